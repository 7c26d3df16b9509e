from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from speakerd.audio.capture.echo_canceller import EffectiveEcho, PassThrough
from speakerd.audio.capture.gate import TurnOwner
from speakerd.audio.capture.pipeline import LEARN_S, RELEASE_LIMIT_S, PipelineParts, SpeechPipeline
from speakerd.audio.capture.vad import VoiceDetector, WebRtcDetector
from speakerd.audio.errors import BadBlockError
from speakerd.audio.events import (
    AudioEvent,
    BargeInConfirmed,
    BargeInRejected,
    BargeInSuspected,
    Level,
    SpeechAudio,
    SpeechEnded,
    SpeechStarted,
    WakeWordHeard,
)
from speakerd.audio.resample import resample
from speakerd.audio.settings import AudioSettings, BargeInSettings, GateSettings
from tests.audio.recordings import load

QUIET_FAR = bytes(480)
LOUD_FAR = (np.sin(2 * np.pi * 500 * np.arange(240) / 24_000) * 8000).astype("<i2").tobytes()
HISS = np.random.default_rng(0).integers(-6, 7, 160 * 3000).astype("<i2")
VOICE = (np.random.default_rng(1).standard_normal(160 * 3000) * 2000).astype("<i2")


class Loudness:
    """A detector that calls every loud frame speech: the tests say when someone speaks by the level alone."""

    def is_speech(self, frame: bytes, *, ask: bool = True) -> bool:
        return bool(np.abs(np.frombuffer(frame, dtype="<i2")).max() > 300)

    def reset(self) -> None:
        """Nothing is remembered."""


class Ideal(PassThrough):
    """A canceller that leaves no echo, since the tests put none in."""

    def __init__(self) -> None:
        super().__init__("off")
        self.resets = 0

    @property
    def mode(self) -> EffectiveEcho:
        return "cancel"

    def reset(self) -> None:
        self.resets += 1


class Parrot:
    """A wake-word detector that hears its word in every loud block."""

    def __init__(self) -> None:
        self.resets = 0

    def process(self, block: bytes, now: float) -> str | None:
        return "polly" if np.abs(np.frombuffer(block, dtype="<i2")).max() > 300 else None

    def reset(self) -> None:
        self.resets += 1


class Bench:
    """A pipeline with a clock; `.` is a block of hiss, `#` of voice; capitals of the far end follow after `/`."""

    def __init__(
        self,
        settings: AudioSettings | None = None,
        *,
        canceller: PassThrough | None = None,
        detector: VoiceDetector | None = None,
        wake_word: Parrot | None = None,
        owner: TurnOwner = "local",
    ) -> None:
        parts = PipelineParts(canceller or PassThrough("off"), detector or Loudness(), wake_word)
        self.pipeline = SpeechPipeline(settings or AudioSettings(), parts, owner=owner)
        self.blocks = 0
        self.events: list[AudioEvent] = []

    @property
    def now(self) -> float:
        return self.blocks / 100

    def hear(
        self, seconds: float, *, voice: bool = False, far: bytes = QUIET_FAR, own: bool = False
    ) -> "Bench":
        source = VOICE if voice else HISS
        for _ in range(round(seconds * 100)):
            at = self.blocks % 3000 * 160
            self.blocks += 1
            mic = source[at : at + 160].tobytes()
            self.events += self.pipeline.process(mic, far, self.now, only_earcon=own)
        return self

    def listen(self, mode: str, since: float | None = None) -> "Bench":
        self.events += self.pipeline.listen(mode, self.now, since)  # type: ignore[arg-type]  # the tests give modes
        return self

    @property
    def kinds(self) -> list[type[AudioEvent]]:
        """Without levels, and each run of audio once."""
        kinds = [type(event) for event in self.events if not isinstance(event, Level)]
        return [kind for at, kind in enumerate(kinds) if at == 0 or kind != kinds[at - 1]]

    @property
    def pcm(self) -> bytes:
        return b"".join(event.pcm for event in self.events if isinstance(event, SpeechAudio))

    def at(self, kind: type[AudioEvent]) -> float:
        return next(event.at for event in self.events if isinstance(event, kind))


SENTENCE = [SpeechStarted, SpeechAudio, SpeechEnded]


# -- the way through -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["librivox-0870", "librivox-0880", "librivox-0890"])
def test_a_recording_leaves_with_every_labelled_word_and_unbent(name: str) -> None:
    recording = load(name)
    settings = AudioSettings(gate=GateSettings(silero="off"))
    pipeline = SpeechPipeline(settings)
    pipeline.listen("gated", 0)
    pcm = bytes(32_000) + recording.pcm + bytes(48_000)
    events: list[AudioEvent] = []
    for index in range(len(pcm) // 320):
        events += pipeline.process(pcm[index * 320 : index * 320 + 320], QUIET_FAR, (index + 1) / 100)
    begin = next(event.at for event in events if isinstance(event, SpeechStarted))
    sent = b"".join(event.pcm for event in events if isinstance(event, SpeechAudio))
    assert begin <= 1 + recording.words[0].begin_s
    assert begin + len(sent) / 48_000 >= 1 + recording.words[-1].end_s
    first = round(begin * 16_000)
    expected = resample(pcm[2 * first :], 16_000, 24_000)[: len(sent)]
    assert (
        np.abs(np.frombuffer(sent, "<i2").astype(int)[:-500] - np.frombuffer(expected, "<i2")[:-500]).max()
        <= 1
    )


@pytest.mark.parametrize("name", ["goforward", "jfk"])
def test_recordings_of_a_desk_and_of_a_hall_open_the_gate_too(name: str) -> None:
    bench = Bench(detector=WebRtcDetector(2)).listen("gated")
    pcm = bytes(32_000) + load(name).pcm + bytes(48_000)
    for index in range(len(pcm) // 320):
        bench.events += bench.pipeline.process(
            pcm[index * 320 : index * 320 + 320], QUIET_FAR, (index + 1) / 100
        )
    assert bench.kinds[:3] == SENTENCE
    assert not bench.pipeline.gate_open


def test_a_sentences_audio_comes_in_order_without_gaps() -> None:
    bench = Bench().hear(1).listen("gated").hear(1).hear(1, voice=True).hear(2)
    assert bench.kinds == SENTENCE
    begin = bench.at(SpeechStarted)
    for event in bench.events:
        if isinstance(event, SpeechAudio):
            assert event.at == pytest.approx(begin)
            begin += len(event.pcm) / 48_000


def test_while_closed_nothing_but_levels_comes_out() -> None:
    bench = Bench().hear(3, voice=True)
    assert bench.kinds == []
    assert len(bench.events) == 30


def test_levels_tell_microphone_loudspeaker_and_gate() -> None:
    bench = Bench().listen("open").hear(0.1, voice=True, far=LOUD_FAR)
    [level] = [event for event in bench.events if isinstance(event, Level)]
    assert level.mic_dbfs == pytest.approx(-24.3, abs=1)
    assert level.speaker_dbfs == pytest.approx(-15.3, abs=0.5)
    assert level.gate_open


def test_push_to_talk_holds_every_sample_from_the_press() -> None:
    bench = Bench().hear(1, voice=True)
    bench.listen("open", since=0.6).hear(0.4, voice=True).listen("closed")
    assert bench.kinds == SENTENCE
    assert bench.at(SpeechStarted) == pytest.approx(0.6)
    expected = resample(VOICE[round(0.6 * 16_000) : round(1.4 * 16_000)].tobytes(), 16_000, 24_000)
    assert bench.pcm == expected


def held(seconds: float, *, released_after: float) -> Bench:
    """Push-to-talk after a second: `seconds` have been captured, the hand lets go so much later."""
    bench = Bench().hear(1).listen("open").hear(seconds, voice=True)
    bench.events += bench.pipeline.listen("closed", bench.now + released_after)
    return bench


def spoken(begin_s: float, end_s: float) -> bytes:
    return resample(VOICE[round(begin_s * 16_000) : round(end_s * 16_000)].tobytes(), 16_000, 24_000)


@pytest.mark.parametrize(("inside_ms", "passes_ms"), [(0, 0), (5, 20), (20, 20), (30, 40), (80, 80)])
def test_what_was_spoken_before_the_release_passes_when_it_comes_and_then_it_ends(
    inside_ms: int, passes_ms: int
) -> None:
    bench = held(0.4, released_after=inside_ms / 1000).hear(0.5, voice=True)
    assert bench.kinds == SENTENCE
    assert bench.pcm == spoken(1.0, 1.4 + passes_ms / 1000)
    assert [event.reason for event in bench.events if isinstance(event, SpeechEnded)] == ["released"]


def test_the_half_frame_before_a_release_passes() -> None:
    bench = held(0.41, released_after=0)
    assert bench.kinds == [SpeechStarted, SpeechAudio]
    assert bench.hear(0.5, voice=True).pcm == spoken(1.0, 1.42)


def test_a_release_is_told_in_time_though_the_card_gives_nothing_more() -> None:
    bench = held(0.4, released_after=0.05)
    assert bench.pipeline.tick(bench.now + 0.05 + RELEASE_LIMIT_S - 0.001) == []
    bench.events += bench.pipeline.tick(bench.now + 0.05 + RELEASE_LIMIT_S)
    assert bench.kinds == SENTENCE
    before = bench.pcm
    assert bench.hear(0.5, voice=True).pcm == before


def test_a_mute_waits_for_nothing() -> None:
    bench = held(0.41, released_after=0.08)
    assert bench.pipeline.discard_captured(bench.now) == [SpeechEnded(bench.now, "closed")]
    bench.events.clear()
    assert bench.hear(0.5, voice=True).kinds == []
    assert bench.listen("open", since=0.0).hear(0.2).listen("closed").at(SpeechStarted) >= bench.now - 0.71


@pytest.mark.parametrize("mode", ["open", "gated"])
def test_a_press_soon_after_the_release_ends_the_first_turn_and_begins_another(mode: str) -> None:
    bench = held(0.4, released_after=0.08)
    pressed_at = bench.now
    bench.listen(mode, since=pressed_at).hear(0.3, voice=True)
    assert bench.kinds == [*SENTENCE, SpeechStarted, SpeechAudio]
    assert [event.at for event in bench.events if isinstance(event, SpeechStarted)] == [1.0, pressed_at]
    assert bench.pipeline.mode == mode


def test_a_device_lost_after_the_release_ends_the_turn() -> None:
    bench = held(0.4, released_after=0.08)
    bench.events += bench.pipeline.interrupted(bench.now)
    assert [event.reason for event in bench.events if isinstance(event, SpeechEnded)] == ["device_lost"]
    assert bench.pipeline.mode == "closed"


def test_each_sentence_is_resampled_from_its_own_beginning() -> None:
    bench = Bench().listen("open").hear(0.2, voice=True).listen("closed").hear(0.2)
    first = bench.pcm
    bench.events.clear()
    bench.blocks = 3000
    assert bench.listen("open").hear(0.2, voice=True).listen("closed").pcm == first


def test_a_gain_makes_a_faint_microphone_heard() -> None:
    assert Bench().listen("open").hear(0.2).listen("closed").pcm != b""
    faint = Bench().hear(0.1).events
    loud = Bench(AudioSettings(input_gain_db=20)).hear(0.1).events
    assert isinstance(faint[0], Level)
    assert isinstance(loud[0], Level)
    assert loud[0].mic_dbfs == pytest.approx(faint[0].mic_dbfs + 20, abs=0.5)


def test_blocks_of_the_wrong_size_are_refused() -> None:
    bench = Bench()
    with pytest.raises(BadBlockError, match="microphone block must be 320 bytes, not 640"):
        bench.pipeline.process(bytes(640), QUIET_FAR, 0)
    with pytest.raises(BadBlockError, match="far-end block must be 480 bytes, not 320"):
        bench.pipeline.process(bytes(320), bytes(320), 0)


def test_what_was_forgotten_does_not_leave() -> None:
    bench = Bench().hear(1, voice=True)
    assert bench.pipeline.discard_captured(bench.now) == []
    assert bench.listen("open", since=0.0).listen("closed").pcm == b""


def test_a_server_ends_its_turns() -> None:
    bench = Bench(owner="server").listen("gated")
    bench.hear(1).hear(1, voice=True).hear(3)
    assert bench.kinds == [SpeechStarted, SpeechAudio]
    bench.events += bench.pipeline.server_ended(bench.now)
    assert bench.kinds == SENTENCE
    assert bench.pipeline.statistics.sent_s == pytest.approx(4.5, abs=0.1)


def test_a_lost_device_ends_the_sentence_and_nothing_from_before_comes_after() -> None:
    canceller = Ideal()
    bench = Bench(canceller=canceller).listen("gated").hear(1).hear(1, voice=True)
    bench.events += bench.pipeline.interrupted(bench.now)
    assert [event.reason for event in bench.events if isinstance(event, SpeechEnded)] == ["device_lost"]
    assert canceller.resets == 1
    lost_at = bench.now
    bench.events.clear()
    bench.hear(1, voice=True)
    assert bench.at(SpeechStarted) >= lost_at - 0.011


# -- while the speaker speaks --------------------------------------------------------------------------------


def learnt(settings: AudioSettings | None = None) -> Bench:
    """Listening, the canceller has learnt the room, and the speaker goes on speaking."""
    return Bench(settings, canceller=Ideal()).listen("gated").hear(LEARN_S + 0.1, far=LOUD_FAR)


def test_a_person_speaking_over_it_is_suspected_then_confirmed_and_heard_from_the_first_sound() -> None:
    bench = learnt()
    begin = bench.now
    bench.hear(0.5, voice=True, far=LOUD_FAR)
    assert bench.kinds == [BargeInSuspected, BargeInConfirmed, SpeechStarted, SpeechAudio]
    assert bench.at(BargeInConfirmed) - begin <= 0.13
    assert begin - 0.52 <= bench.at(SpeechStarted) <= begin - 0.4


def test_a_cough_is_suspected_and_rejected() -> None:
    assert learnt().hear(0.06, voice=True, far=LOUD_FAR).hear(1, far=LOUD_FAR).kinds == [
        BargeInSuspected,
        BargeInRejected,
    ]


def test_a_suspicion_ends_with_the_speech_it_was_about() -> None:
    settings = AudioSettings(echo_tail_ms=0, barge_in=BargeInSettings(decide_ms=5000))
    bench = learnt(settings).hear(0.06, voice=True, far=LOUD_FAR).hear(0.02)
    assert bench.kinds == [BargeInSuspected, BargeInRejected]


@pytest.mark.parametrize("end", ["closed", "open", "lost"])
def test_a_suspicion_ends_with_listening(end: str) -> None:
    bench = learnt().hear(0.06, voice=True, far=LOUD_FAR)
    bench.events.clear()
    if end == "lost":
        bench.events += bench.pipeline.interrupted(bench.now)
    else:
        bench.listen(end)
    assert BargeInRejected in bench.kinds


def test_until_the_canceller_knows_the_room_nothing_is_believed() -> None:
    bench = Bench(canceller=Ideal()).listen("gated").hear(LEARN_S - 0.1, voice=True, far=LOUD_FAR)
    assert bench.kinds == []


def test_switched_off_only_the_button_interrupts() -> None:
    assert (
        learnt(AudioSettings(barge_in=BargeInSettings(enabled=False))).hear(2, voice=True, far=LOUD_FAR).kinds
        == []
    )


def test_while_closed_nobody_barges_in() -> None:
    assert learnt().listen("closed").hear(2, voice=True, far=LOUD_FAR).kinds == []


def test_someone_already_speaking_is_heard_to_the_end() -> None:
    bench = learnt().hear(1).hear(0.5, voice=True).hear(0.5, voice=True, far=LOUD_FAR).hear(2, far=LOUD_FAR)
    assert bench.kinds == SENTENCE


def half_duplex() -> Bench:
    return Bench(canceller=PassThrough("half_duplex")).listen("gated")


def test_in_half_duplex_nothing_is_heard_while_it_speaks_nor_in_the_tail() -> None:
    assert half_duplex().hear(1).hear(2, voice=True, far=LOUD_FAR).hear(0.28, voice=True).kinds == []


def test_in_half_duplex_its_own_voice_ends_a_sentence_and_does_not_leave() -> None:
    bench = half_duplex().hear(1).hear(1, voice=True)
    spoke_at = bench.now
    bench.hear(2, voice=True, far=LOUD_FAR).hear(0.3).hear(1, voice=True).hear(1)
    assert [event.reason for event in bench.events if isinstance(event, SpeechEnded)] == [
        "own_voice",
        "silence",
    ]
    second = [event for event in bench.events if isinstance(event, SpeechStarted)][1]
    assert second.at >= spoke_at + 2.27


def test_in_half_duplex_the_button_still_opens() -> None:
    bench = half_duplex().listen("closed").listen("open").hear(1, voice=True, far=LOUD_FAR)
    assert bench.kinds == [SpeechStarted, SpeechAudio]


@pytest.mark.parametrize("mode", ["half_duplex", "off"])
def test_its_own_sounds_are_not_heard_as_speech_but_speech_under_them_is_kept(mode: str) -> None:
    bench = Bench(canceller=PassThrough(mode)).listen("gated").hear(1)  # type: ignore[arg-type]  # two modes
    bench.hear(0.2, voice=True, far=LOUD_FAR, own=True)
    assert bench.kinds == []
    bench.hear(1, voice=True)
    assert bench.kinds == [SpeechStarted, SpeechAudio]
    assert bench.at(SpeechStarted) <= 1.0


def test_the_delay_of_the_device_lengthens_the_tail() -> None:
    bench = half_duplex()
    bench.pipeline.echo_delay_s = 0.5
    bench.hear(1).hear(1, far=LOUD_FAR)
    assert bench.hear(0.78, voice=True).kinds == []


# -- the wake word -------------------------------------------------------------------------------------------


def test_the_wake_word_is_listened_for_while_the_gate_is_shut_only() -> None:
    bench = Bench(wake_word=Parrot()).hear(0.5).hear(0.01, voice=True)
    assert bench.events[-1] == WakeWordHeard("polly", 0.51)
    bench.events.clear()
    bench.listen("open").hear(1, voice=True)
    assert WakeWordHeard not in bench.kinds


def test_after_the_wake_word_speech_from_before_its_report_is_kept() -> None:
    bench = Bench(wake_word=Parrot()).hear(1).hear(0.3, voice=True)
    bench.listen("gated", since=1.1).hear(0.3, voice=True)
    assert bench.at(SpeechStarted) == pytest.approx(1.1)


def test_the_detector_begins_anew_after_sound_that_it_did_not_get() -> None:
    """Else it would find the word that woke the speaker once more, when the question is over."""
    parrot = Parrot()
    bench = Bench(wake_word=parrot).hear(1)
    assert parrot.resets == 0
    bench.listen("open").hear(1, voice=True).listen("closed").hear(0.5)
    assert parrot.resets == 1
    bench.pipeline.interrupted(bench.now)
    bench.hear(0.5)
    assert parrot.resets == 2


# -- always --------------------------------------------------------------------------------------------------


@examples(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    *("hear", "voice", "closed", "gated", "open", "since", "server", "lost", "forget"),
                    *("release", "late"),
                ]
            ),
            st.sampled_from(["silent", "speaking", "own"]),
        ),
        max_size=25,
    ),
    st.sampled_from(["cancel", "half_duplex", "off"]),
)
def test_whatever_happens_audio_comes_only_between_a_start_and_an_end(
    steps: list[tuple[str, str]], mode: EffectiveEcho
) -> None:
    base = AudioSettings()
    bench = Bench(
        replace(base, echo_tail_ms=50, gate=GateSettings(hangover_ms=100, pre_roll_ms=60)),
        canceller=Ideal() if mode == "cancel" else PassThrough(mode),
    )
    for step, far in steps:
        if step in ("closed", "gated", "open"):
            bench.listen(step)
        elif step == "since":
            bench.listen("gated", since=bench.now - 0.3)
        elif step == "server":
            bench.events += bench.pipeline.server_ended(bench.now)
        elif step == "lost":
            bench.events += bench.pipeline.interrupted(bench.now)
        elif step == "forget":
            bench.events += bench.pipeline.discard_captured(bench.now)
        elif step == "release":
            bench.events += bench.pipeline.listen("closed", bench.now + 0.04)
        elif step == "late":
            bench.events += bench.pipeline.tick(bench.now + 0.2)
        else:
            bench.hear(
                0.25, voice=step == "voice", far=QUIET_FAR if far == "silent" else LOUD_FAR, own=far == "own"
            )
    started = suspected = False
    for event in bench.events:
        if isinstance(event, SpeechStarted | SpeechEnded | SpeechAudio):
            assert isinstance(event, SpeechStarted) != started
            started = not isinstance(event, SpeechEnded)
        elif isinstance(event, BargeInSuspected | BargeInConfirmed | BargeInRejected):
            assert not (isinstance(event, BargeInSuspected) and suspected)
            suspected = isinstance(event, BargeInSuspected)
    assert started == bench.pipeline.gate_open
