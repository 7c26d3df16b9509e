"""An audio engine on a simulated card in steps of time, for tests that tell a story."""

import threading
import time
from collections.abc import Callable

import numpy as np

from speakerd.audio.capture.gate import TurnOwner
from speakerd.audio.engine import AudioEngine
from speakerd.audio.events import AudioEvent, Level
from speakerd.audio.pcm import WIRE_RATE
from speakerd.audio.settings import AudioSettings
from speakerd.audio.simulation.device import SimulatedDevice
from tests.limits import limit


class EngineBench:
    """`run` lets seconds pass; `events` holds what was reported, levels left out."""

    def __init__(
        self, device: SimulatedDevice | None = None, owner: TurnOwner = "local", **settings: object
    ) -> None:
        self.device = device or SimulatedDevice(stepped=True)
        self.events: list[AudioEvent] = []
        chosen = {"echo": "off", "volume": 100, **settings}
        self.engine = AudioEngine(
            self.device,
            AudioSettings(**chosen),  # type: ignore[arg-type]  # any of the settings, as the test names them
            on_event=self._take,
            owner=owner,
        )
        if self.device.stepped:
            self.device.after_each_block(self.engine.tick)

    def run(self, seconds: float) -> None:
        self.device.step(round(seconds * 100))

    def of(self, *kinds: type[AudioEvent]) -> list[AudioEvent]:
        return [event for event in self.events if isinstance(event, kinds)]

    def _take(self, event: AudioEvent) -> None:
        if not isinstance(event, Level):
            self.events.append(event)


def tone(seconds: float, hz: float = 440.0, level: float = 8000.0) -> bytes:
    """A sine at 24 kHz."""
    t = np.arange(round(seconds * WIRE_RATE)) / WIRE_RATE
    return (level * np.sin(2 * np.pi * hz * t)).astype("<i2").tobytes()


def wait_until_devices_are_closed() -> None:
    """Return once no thread is left that opens or closes the sound card of an engine, one that was closed included."""
    wait_for(
        lambda: not any(thread.name in ("audio-reopen", "audio-close") for thread in threading.enumerate()),
        20,
        "every device is closed",
    )


def wait_for(condition: Callable[[], bool], timeout: float, what: str) -> None:
    """Real time: return as soon as it holds."""

    give_up = time.monotonic() + limit(timeout)
    while not condition():
        assert time.monotonic() < give_up, f"{limit(timeout):g} s passed, and not yet: {what}"
        time.sleep(0.01)
