"""A speaker on a simulated sound card and panel, talking to a scripted server over a real WebSocket.

In a `VirtualLoop` card, panel and speaker live in its time, without a thread; in any other by the wall clock.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gpiozero.pins.mock import MockFactory, MockPWMPin

from speakerd.audio.pcm import BLOCK_S
from speakerd.audio.simulation.device import SimulatedDevice
from speakerd.config.settings import Settings
from speakerd.daemon.assemble import assemble
from speakerd.daemon.core import NoVoiceError
from speakerd.daemon.live_settings import LiveSettings
from speakerd.daemon.session import LiveApiKey
from speakerd.host.log_filters import Redactor
from speakerd.panel.gpio import GpioPanel
from speakerd.panel.simulated import SimulatedPanel
from speakerd.realtime.testing.loopback import LoopbackConnection, LoopbackServer
from speakerd.realtime.testing.server_events import (
    audio_delta,
    committed,
    response_created,
    response_done,
    spoken_begin,
    spoken_end,
    spoken_item,
    transcribed,
    transcript_delta,
)
from tests.limits import limit
from tests.realtime.validation import validate_client_event, validate_server_event
from tests.simulation.virtual_loop import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from speakerd.audio.settings import AudioSettings
    from speakerd.audio.simulation.person import ScriptedUtterance
    from speakerd.audio.simulation.room import RoomShape
    from speakerd.daemon.core import Assembly
    from speakerd.daemon.metrics.monitor import Entry
    from speakerd.panel.port import Panel
    from speakerd.panel.settings import PanelSettings

DATA = Path(__file__).parent.parent / "data"
GO_FORWARD = DATA / "goforward.wav"
MS_A_LETTER = 50

BLOCKS_A_FRAME = 3
"""The panel draws some 30 times a second, as a real one does."""
LAPSE_S = 0.2
"""In a time lapse: as much time passes with one block while all are silent."""
SLEEP_S = 30.0
"""The same while the speaker is idle, and until something happens."""
LAPSE_AFTER_S = 0.9
"""The lapse begins when all have been silent for so long, by which each sentence has ended; where nobody is listened
to, at once."""


class ToneVoice:
    """A local voice: a tone of 50 ms for each letter, of "..." none; for a text with "crash" in it a failure."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.missing = False

    async def prepare(self) -> None:
        if self.missing:
            raise NoVoiceError("the offline voice is not installed: apt install espeak-ng")

    async def speak(self, text: str) -> AsyncGenerator[bytes, None]:
        await self.prepare()
        self.spoken.append(text)
        for _ in range(len(text.strip("."))):
            yield tone(MS_A_LETTER)
        if "crash" in text:
            raise NoVoiceError("espeak-ng ended with code 1: no message")


@dataclass
class Household:
    """All there is to watch in one test."""

    assembly: Assembly
    device: SimulatedDevice
    panels: list[SimulatedPanel]
    server: LoopbackServer
    running: asyncio.Task[None]
    voice: ToneVoice
    lapse: bool = False
    """Silence passes in large steps, with one block each: for runs that are about the talk, not about the sound."""
    entries: list[Entry] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _block: asyncio.TimerHandle | None = None
    _blocks: int = 0

    @property
    def panel(self) -> SimulatedPanel:
        """The newest: other settings make another one."""
        return self.panels[-1]

    @property
    def phases(self) -> list[str]:
        """Phases in order, without repetition."""
        phases: list[str] = []
        for entry in self.entries:
            if entry["event"] == "state" and phases[-1:] != [entry["phase"]]:
                phases.append(entry["phase"])
        return phases

    def spoke_more_often_than(self, times: int) -> bool:
        return self.phases.count("speaking") > times

    def next_block(self) -> None:
        """In virtual time: 10 ms of all that threads would do otherwise, again and again."""
        loop = asyncio.get_running_loop()
        if not self.lapse:
            self._block = loop.call_at(self.device.now() + BLOCK_S, self._step)
            return
        speaker = self.assembly.speaker
        pause_s = BLOCK_S
        if not speaker.engine.speaking:
            asleep = speaker.dialogue.phase == "idle"
            heeded = asleep or speaker.dialogue.phase == "thinking"
            if self.device.silent_s > (0.0 if heeded else LAPSE_AFTER_S):
                pause_s = SLEEP_S if asleep and self.device.silent_s > LAPSE_AFTER_S else LAPSE_S
        self._block = loop.call_later(pause_s, self._step)

    def wake(self) -> None:
        """In a time lapse: something happens now."""
        now = asyncio.get_running_loop().time()
        if self.lapse and self._block is not None and self._block.when() > now + LAPSE_S:
            self._block.cancel()
            self._step()

    def _step(self) -> None:
        if self.lapse:
            self.device.let_pass(max(0.0, asyncio.get_running_loop().time() - self.device.now() - BLOCK_S))
        self.device.step()
        self.assembly.speaker.engine.tick()
        self._blocks += 1
        if self.lapse or self._blocks % BLOCKS_A_FRAME == 0:
            self.panel.step()
        self.next_block()

    def stand_still(self) -> None:
        """There is nothing to be done any more."""
        if self._block is not None:
            self._block.cancel()
            self._block = None

    async def follow(self, entries: AsyncIterator[Entry]) -> None:
        async for entry in entries:
            async with self._news:
                self.entries.append(entry)
                self._news.notify_all()
            self.wake()

    async def until(self, condition: Callable[[], bool], within_s: float = 15.0) -> None:
        try:
            async with asyncio.timeout(self._patience(within_s)), self._news:
                await self._news.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"did not come about within {within_s} s; phases: {self.phases}") from None

    def _patience(self, seconds: float) -> float:
        return seconds if self.device.stepped else limit(seconds)

    async def light(self, name: str, within_s: float = 15.0) -> None:
        """Until the light shows it."""
        await self.until(lambda: self.lights[-1:] == [name], within_s)

    @property
    def lights(self) -> list[str]:
        """Lights in order."""
        return [entry["light"] for entry in self.entries if entry["event"] == "state"]

    async def said(self, utterance: ScriptedUtterance, within_s: float = 15.0) -> None:
        """Until the person has said it."""
        async with asyncio.timeout(self._patience(within_s)):
            while not utterance.done:
                await asyncio.sleep(BLOCK_S)

    async def stopped(self) -> None:
        """Until the speaker has ended by itself."""
        await asyncio.wait_for(asyncio.shield(self.running), limit(10))

    async def phase(self, name: str, within_s: float = 15.0) -> None:
        await self.until(lambda: self.phases[-1:] == [name], within_s)

    def sent(self, event_type: str) -> list[dict[str, Any]]:
        """What the server got of one type."""
        return [event for event in self.server.received if event["type"] == event_type]

    def sound_sent(self) -> bytes:
        """The captured speech that left, 24 kHz."""
        return b"".join(base64.b64decode(event["audio"]) for event in self.sent("input_audio_buffer.append"))


def tone(ms: int) -> bytes:
    """A tone of 500 Hz at -12 dBFS, 24 kHz."""
    at = np.arange(ms * 24) / 24_000
    pcm: bytes = (8_192 * np.sin(2 * np.pi * 500 * at)).astype("<i2").tobytes()
    return pcm


def tone_response(
    response_id: str, item_id: str, text: str, ms: int, usage: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """A spoken answer that can be heard."""
    pcm = tone(ms)
    chunk = 100 * 48
    return [
        response_created(response_id),
        *spoken_begin(response_id, item_id),
        *(audio_delta(response_id, item_id, pcm[at : at + chunk]) for at in range(0, len(pcm), chunk)),
        transcript_delta(response_id, item_id, text),
        *spoken_end(response_id, item_id, text),
        response_done(response_id, output=[spoken_item(item_id, text)], usage=usage),
    ]


def answering(
    text: str = "Certainly.", ms: int = 600, usage: dict[str, Any] | None = None
) -> Callable[[LoopbackConnection], Any]:
    """A server that takes turns and answers each with `ms` of tone."""

    async def script(connection: LoopbackConnection) -> None:
        turn = 0
        while True:
            await connection.expect("response.create", within_s=60.0)
            turn += 1
            if any(event["type"] == "input_audio_buffer.commit" for event in connection.received):
                for event in committed(f"user_{turn}"):
                    await connection.send(event)
                await connection.send(transcribed(f"user_{turn}", "go forward ten meters"))
            for event in tone_response(f"resp_{turn}", f"item_{turn}", text, ms, usage):
                await connection.send(event)

    return script


@asynccontextmanager
async def household(
    script: Any = None,
    *,
    settings: dict[str, Any] | None = None,
    room: RoomShape | None = None,
    noise_dbfs: float | None = -72.0,
    state: Path | None = None,
    environment: dict[str, str] | None = None,
    early: Callable[[SimulatedPanel], None] | None = None,
    while_starting: Callable[[Household], Awaitable[None]] | None = None,
    confirm: bool = True,
    greet: bool = True,
    lapse: bool = False,
    record_s: float = 900.0,
    arrange: Callable[[Assembly], None] | None = None,
    server: LoopbackServer | None = None,
) -> AsyncIterator[Household]:
    """A running speaker.

    Args:
        script: What the server does.
        settings: Laid over those of a test.
        room: What returns the loudspeaker's sound to the microphone.
        noise_dbfs: The microphone's.
        state: Where it keeps what it keeps.
        environment: Where the key is looked for; None: there is none.
        confirm: Whether the server answers each `session.update` by itself; else that is the script's matter.
        greet: Likewise `session.created`.
        lapse: In virtual time only: see `Household.lapse`.
        record_s: How much of the sound the device keeps.
        arrange: Called with the parts before anything is opened.
        while_starting: Awaited before it is ready.
        early: Called while it starts, which then takes five seconds.
        server: In the place of one that plays the script. It refuses what is not valid itself.
    """
    loop = asyncio.get_running_loop()
    stepped = isinstance(loop, VirtualLoop)
    device = SimulatedDevice(
        stepped=stepped, begin_s=loop.time(), room=room, noise_dbfs=noise_dbfs, record_s=record_s
    )
    panels: list[SimulatedPanel] = []
    voice = ToneVoice()

    def make_device(audio: AudioSettings) -> SimulatedDevice:
        """The one card there is, under whatever name but "missing"."""
        if audio.input == "missing":
            absent = SimulatedDevice()
            absent.unplug("capture")
            return absent
        return device

    def make_panel(panel: PanelSettings) -> Panel:
        if panel.kind == "gpio":
            return GpioPanel(panel.button, panel.light, pin_factory=MockFactory(pin_class=MockPWMPin))
        panels.append(SimulatedPanel(panel.light, stepped=stepped, clock=loop.time))
        return panels[-1]

    playing = server or LoopbackServer(script or answering(), confirm=confirm, greet=greet)
    async with playing:
        tree: dict[str, dict[str, Any]] = {
            "model": {"url": playing.url, "auth": "none"},
            "audio": {"driver": "simulated", "echo": "off"},
            # By the wall clock of a busy machine a tap may last longer than a hold must: here all presses are taps.
            "panel": {"kind": "simulated", "gestures": {"hold": "none"}},
        }
        for section, values in (settings or {}).items():
            tree.setdefault(section, {}).update(values() if callable(values) else values)
        live = LiveSettings(Settings.model_validate(tree))
        assembly = assemble(
            live,
            key=LiveApiKey(live, environment, Redactor()) if environment is not None else None,
            state=state,
            make_device=make_device,
            make_panel=make_panel,
            voice=voice,
            clock=loop.time,
        )
        if arrange is not None:
            arrange(assembly)
        entries = aiter(assembly.speaker.monitor.subscribe(10_000))
        opened = asyncio.Event()

        async def starting() -> None:
            if early is not None:
                early(panels[-1])
                await asyncio.sleep(5)
            if while_starting is not None:
                await while_starting(house)

        running = asyncio.create_task(assembly.speaker.run(prepare=starting, ready=opened.set))
        house = Household(assembly, device, panels, playing, running, voice, lapse=lapse)
        if stepped:
            house.next_block()
        watch = asyncio.create_task(house.follow(entries))
        try:
            await asyncio.wait({running, asyncio.create_task(opened.wait())}, return_when="FIRST_COMPLETED")
            if running.done():
                running.result()
            yield house
        finally:
            assembly.speaker.stop()
            await running
            house.stand_still()
            await watch
            await assembly.close()
    if server is None:
        for event in playing.received:
            validate_client_event(event)
        for event in playing.sent:
            validate_server_event(event)
