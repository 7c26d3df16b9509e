"""Several streams, one set of decoders: what ends first is answered first, and free speech waits for idle moments."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.offline.recognition.confidence import LEAST_SPEECH_FRAMES, MIDDLE_RATIO, Evidence, confidence
from speakerd.offline.recognition.messages import AUDIO, RESULT, MessageDecoder, encode
from speakerd.offline.recognition.scheduler import FREE_STEP, HEAD_BYTES, RecognitionScheduler


@dataclass
class Commands:
    """Takes an utterance whose first byte is "c" for a command."""

    heard: bytearray = field(default_factory=bytearray)
    begun: bool = False
    phrases: tuple[str, ...] = ()

    def begin(self, phrases: tuple[str, ...]) -> None:
        assert not self.begun
        self.begun, self.heard, self.phrases = True, bytearray(), phrases

    def feed(self, pcm: bytes) -> None:
        assert self.begun
        self.heard += pcm

    def end(self) -> Evidence:
        assert self.begun
        self.begun = False
        score = 0.0 if self.heard[:1] == b"c" else -1000.0
        frames = 0 if self.heard[:1] == b"s" else 100
        return Evidence(self.heard.decode(), True, score, 0.0, 100, frames)


@dataclass
class Free:
    heard: bytearray = field(default_factory=bytearray)
    begun: bool = False
    times_begun: int = 0
    judged_by: bytes = b""

    def begin(self, heard: bytes) -> None:
        assert not self.begun
        self.begun, self.heard, self.judged_by = True, bytearray(), bytes(heard)
        self.times_begun += 1

    def misjudged(self, heard: bytes) -> bool:
        return heard[-1:] == b"!"

    def feed(self, pcm: bytes) -> None:
        assert self.begun
        self.heard += pcm

    def end(self) -> str:
        assert self.begun
        self.begun = False
        return f"free {self.heard.decode()}"


def scheduler(free: Free | None = None, *, ahead: bool = True) -> tuple[RecognitionScheduler, Commands, Free]:
    commands, words = Commands(), free or Free()
    return (
        RecognitionScheduler(commands, words, threshold=0.5, ahead=ahead, clock=lambda: 0.0),
        commands,
        words,
    )


def test_a_command_is_heard_without_free_speech() -> None:
    it, commands, free = scheduler()
    it.begin(1, ("open the gate",))
    for letter in (b"c", b"ab"):
        it.feed(1, letter)
    heard = it.finish(1)
    assert heard is not None
    assert (heard.text, heard.kind) == ("cab", "command")
    assert heard.confidence > 0.9
    assert free.times_begun == 0
    assert commands.phrases == ("open the gate",)


def test_what_is_no_command_is_free_speech() -> None:
    it, _, _ = scheduler()
    it.begin(1, ())
    it.feed(1, b"xyz")
    heard = it.finish(1)
    assert heard is not None
    assert (heard.text, heard.kind) == ("free xyz", "free")


def test_silence_has_no_words() -> None:
    it, _, free = scheduler()
    it.begin(1, ())
    it.feed(1, b"s")
    heard = it.finish(1)
    assert heard is not None
    assert (heard.text, heard.kind, free.times_begun) == ("", "none", 0)


def test_an_utterance_without_any_sound_has_no_words() -> None:
    it, _, _ = scheduler()
    it.begin(1, ())
    heard = it.finish(1)
    assert heard is not None
    assert heard.audio_s == 0


def test_without_free_speech_only_commands_are_heard() -> None:
    it = RecognitionScheduler(Commands(), None, threshold=0.5, ahead=True, clock=lambda: 0.0)
    it.begin(1, ())
    it.feed(1, b"xyz")
    assert not it.work_ahead()
    heard = it.finish(1)
    assert heard is not None
    assert (heard.text, heard.kind) == ("", "none")


def test_idle_moments_go_to_free_speech_step_by_step() -> None:
    it, _, free = scheduler()
    assert not it.work_ahead()
    it.begin(1, ())
    it.feed(1, b"x" * (HEAD_BYTES - 1))
    assert not it.work_ahead(), "too little to judge the room by"
    it.feed(1, b"x")
    steps = 0
    while it.work_ahead():
        steps += 1
    assert (steps, len(free.heard)) == (-(-HEAD_BYTES // FREE_STEP), HEAD_BYTES)
    it.feed(1, b"y")
    heard = it.finish(1)
    assert heard is not None
    assert heard.text == "free " + "x" * HEAD_BYTES + "y"
    assert free.times_begun == 1


def test_free_speech_that_misjudged_the_room_begins_anew() -> None:
    it, _, free = scheduler()
    it.begin(1, ())
    it.feed(1, b"x" * HEAD_BYTES)
    while it.work_ahead():
        pass
    it.feed(1, b"x" * (HEAD_BYTES - 1) + b"!")
    heard = it.finish(1)
    assert heard is not None
    assert heard.text == "free " + "x" * (2 * HEAD_BYTES - 1) + "!"
    assert (free.times_begun, len(free.judged_by)) == (2, 2 * HEAD_BYTES)


def test_after_means_no_work_ahead() -> None:
    it, _, free = scheduler(ahead=False)
    it.begin(1, ())
    it.feed(1, b"xyz")
    assert not it.work_ahead()
    heard = it.finish(1)
    assert heard is not None
    assert heard.text == "free xyz"
    assert free.times_begun == 1


def test_what_has_ended_goes_before_what_has_not() -> None:
    it, _, _ = scheduler()
    it.begin(1, ())
    it.begin(2, ())
    it.feed(1, b"x1")
    it.work_ahead()
    it.feed(2, b"c2")
    second = it.finish(2)
    it.feed(1, b"more")
    first = it.finish(1)
    assert second is not None
    assert first is not None
    assert (second.text, first.text) == ("c2", "free x1more")


def test_what_is_forgotten_makes_room() -> None:
    it, _, _ = scheduler()
    it.begin(1, ())
    it.feed(1, b"x")
    it.work_ahead()
    it.drop(1)
    it.drop(7)
    it.feed(1, b"x")
    assert it.finish(1) is None
    it.begin(2, ())
    it.feed(2, b"c")
    heard = it.finish(2)
    assert heard is not None
    assert heard.text == "c"


@given(st.lists(st.tuples(st.sampled_from("lsiuf"), st.integers(1, 3)), max_size=40))
def test_any_order_of_streams_gives_each_its_own_sound(steps: list[tuple[str, int]]) -> None:
    it, commands, free = scheduler()
    sounds: dict[int, bytes] = {}
    for step, number in steps:
        if step == "l" and number not in sounds:
            it.begin(number, ())
            sounds[number] = b"x" * HEAD_BYTES
            it.feed(number, b"x" * HEAD_BYTES)
        elif step == "s":
            it.feed(number, b"%d" % number)
            if number in sounds:
                sounds[number] += b"%d" % number
        elif step == "i":
            it.work_ahead()
        elif step == "f":
            it.drop(number)
            sounds.pop(number, None)
        elif step == "u":
            heard = it.finish(number)
            assert (heard.text.encode() if heard else None) == (
                b"free " + sounds.pop(number) if number in sounds else None
            )
    assert not (free.begun and not commands.begun)


def evidence(ratio: float = 0.0, span: float = 1.0, *, frames: int = 100, complete: bool = True) -> Evidence:
    return Evidence("x", complete, ratio * frames, 0.0, frames, int(frames / span))


def test_confidence_is_one_half_at_the_middle_and_grows_with_likelihood() -> None:
    assert confidence(evidence(MIDDLE_RATIO)) == pytest.approx(0.5)
    grown = [confidence(evidence(ratio)) for ratio in (-50, -6, -3, -1, 0, 1)]
    assert grown == sorted(grown)
    assert confidence(evidence(span=0.2)) < 0.4
    assert confidence(evidence(span=1.4)) < 0.4
    assert confidence(evidence(span=0.7)) == confidence(evidence(span=1.05))
    assert confidence(evidence()) > 0.9


def test_a_broken_sentence_and_a_click_are_no_commands() -> None:
    assert confidence(evidence(complete=False)) == 0
    assert confidence(evidence(frames=LEAST_SPEECH_FRAMES - 1)) == 0


@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=50)), max_size=5),
    st.data(),
)
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    frames: list[tuple[int, int, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(encode(kind, number, payload) for kind, number, payload in frames)
    decoder, found, start = MessageDecoder(), [], 0
    while start < len(stream):
        size = data.draw(st.integers(1, len(stream) - start))
        found += decoder.feed(stream[start : start + size])
        start += size
    assert [(message.kind, message.stream, message.payload) for message in found] == frames


def test_json_and_sound_are_payloads() -> None:
    json_frame, sound = MessageDecoder().feed(encode(RESULT, 1, {"a": 1}) + encode(AUDIO, 2, b"\0\1"))
    assert json_frame.json == {"a": 1}
    assert sound.payload == b"\0\1"


def test_nonsense_on_the_pipe_raises() -> None:
    with pytest.raises(ValueError, match="frame of"):
        MessageDecoder().feed(b"\xff" * 9)
