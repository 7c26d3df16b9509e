"""An engine that speaks while its sound server dies and comes back: a program, for a driver may hang in it for good.

What the server must do is written as a line, and done once a line has come back. Exit code 0: the loss was told, and
sound went on; `STUCK`: the driver does not return from closing its dead stream, which is told too, and for which the
daemon would be started anew.
"""

import os
import sys

from speakerd.audio.devices.portaudio import PyAudioDevice
from speakerd.audio.engine import AudioEngine
from speakerd.audio.events import AudioEvent, DeviceLost, DeviceReturned, DeviceStuck
from speakerd.audio.pcm import WIRE_RATE
from speakerd.audio.settings import AudioSettings
from tests.audio.engine_bench import tone, wait_for

STUCK = 77


def have(what: str) -> None:
    """Have the test do something to the server."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def main() -> None:
    events: list[AudioEvent] = []

    def told(kind: type[AudioEvent], words: str = "") -> bool:
        return any(isinstance(event, kind) and words in str(event) for event in events)

    settings = AudioSettings(
        input="mic", output="speaker", echo="off", volume=100, reopen_first_s=0.1, reopen_longest_s=0.2
    )
    engine = AudioEngine(PyAudioDevice(settings), settings, on_event=events.append)
    engine.start()
    try:
        engine.play("story", 0, tone(30))
        engine.finish_item("story")
        wait_for(lambda: engine.positions()[0].played_samples > WIRE_RATE // 4, 10, "it speaks")
        have("kill")
        wait_for(lambda: told(DeviceLost), 10, "the loss is told")
        wait_for(
            lambda: told(DeviceLost, "none at all") or told(DeviceStuck), 10, "and that nothing is there"
        )
        if told(DeviceStuck):
            os._exit(STUCK)
        have("start")
        wait_for(lambda: told(DeviceReturned), 20, "the return is told")
        beats = engine.block_counts
        wait_for(lambda: engine.block_counts.capture > beats.capture + 20, 10, "it hears")
        have("listen")
    finally:
        engine.close()


if __name__ == "__main__":
    main()
