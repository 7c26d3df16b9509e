"""Echo and barge-in through the whole of it, in real time: PortAudio, the software sound card, and a room.

The figures come from the simulated rooms (`test_quality.py`), which do not depend on how busy the machine is;
here it is shown once that the real path puts reference and microphone together.
"""

from pathlib import Path

import pytest

from speakerd.audio.devices.portaudio import PyAudioDevice
from speakerd.audio.engine import AudioEngine
from speakerd.audio.events import AudioEvent, BargeInConfirmed, Level, SpeechAudio, SpeechStarted
from speakerd.audio.pcm import MIC_RATE, WIRE_RATE
from speakerd.audio.resample import resample
from speakerd.audio.settings import AudioSettings
from speakerd.audio.simulation.person import read_wav
from tests.audio.engine_bench import wait_for
from tests.rig import SoundCard, about_the_sound, may_be_torn

DATA = Path(__file__).parent.parent / "data"
ALONE_S = 4.0
"""For so long it talks, is heard by its own microphone, and must not interrupt itself."""


@pytest.mark.rig
@may_be_torn
def test_it_does_not_interrupt_itself_and_is_interrupted_by_a_person(rig: SoundCard) -> None:
    pytest.importorskip("livekit", reason="the extra aec")
    with about_the_sound():
        assert _one_talk(rig) == (False, True)


def _one_talk(rig: SoundCard) -> tuple[bool, bool]:
    """Whether it interrupted itself while it talked alone, and whether a person then did."""
    events: list[AudioEvent] = []
    settings = AudioSettings(input="mic", output="speaker", echo="cancel", volume=90)
    engine = AudioEngine(PyAudioDevice(settings), settings, on_event=events.append)
    room = rig.room("--echo-db=-10", "--delay-ms=10")
    engine.start()
    try:
        engine.listen("gated")
        own = resample(read_wav(DATA / "librivox-0870.wav", MIC_RATE).tobytes(), MIC_RATE, WIRE_RATE)
        for _ in range(2):
            engine.play("story", 0, own)
        wait_for(lambda: engine.positions()[0].played_samples > ALONE_S * WIRE_RATE, 20, "it talks")
        assert (
            max(event.mic_dbfs for event in events if isinstance(event, Level)) > -40
        )  # it does hear itself
        if _of(events, BargeInConfirmed):
            return True, False
        person = rig.say((DATA / "goforward.wav").read_bytes()[44:])
        person.wait()
        if not _of(events, BargeInConfirmed):
            return False, False
        engine.flush()
        wait_for(lambda: bool(_of(events, SpeechStarted) and _of(events, SpeechAudio)), 10, "and passed on")
        return False, True
    finally:
        engine.close()
        room.kill()
        room.wait()


def _of(events: list[AudioEvent], kind: type[AudioEvent]) -> list[AudioEvent]:
    return [event for event in events if isinstance(event, kind)]
