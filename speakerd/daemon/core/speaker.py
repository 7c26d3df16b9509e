"""The speaker: one event loop that joins sound, light, dialogue and session.

    panel threads ──edges──▶            ┌─▶ engine (microphone, loudspeaker)
    audio thread ───events─▶  dialogue ─┼─▶ link (outbox ─▶ session ─▶ model)
    link ───────────facts──▶            └─▶ panel (light)

Everything that happens becomes an event of the dialogue; the dialogue answers with commands; `Performer` carries
them out. Captured speech does not pass the dialogue, it asks it: `uplink` says drop, hold or send. After every
event the light, the outbox and the one timer are brought into line with the dialogue, so that none of them can
remember something else.

Threads post into the loop with `call_soon_threadsafe`, in order. The loop may stall without being heard: the
loudspeaker is fed by its own thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Protocol, assert_never

from speakerd.audio.engine import AudioEngine
from speakerd.audio.events import (
    BargeInConfirmed,
    BargeInRejected,
    BargeInSuspected,
    CaptureSilent,
    DeviceLost,
    DeviceReturned,
    DeviceStuck,
    Level,
    PlaybackDrained,
    PlaybackStarted,
    PlaybackUnderrun,
    SpeechAudio,
    SpeechEnded,
    SpeechStarted,
    WakeWordHeard,
    Xruns,
)
from speakerd.daemon.core.command_executor import Performer
from speakerd.daemon.metrics import MonitorFeed, TurnLog, UsageKeeper
from speakerd.daemon.session import HeardTracker, SessionLink, Sound, turn_detection
from speakerd.daemon.storage import Volume
from speakerd.dialogue.commands import Interrupt
from speakerd.dialogue.events import (
    Connected,
    ConnectionLost,
    Ready,
    ResponseEnded,
    ServerSpeechStopped,
    StopRequested,
)
from speakerd.dialogue.state_machine import Dialogue
from speakerd.host.journal import fields
from speakerd.panel.buttons import Inputs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from speakerd.audio.device import AudioDevice
    from speakerd.audio.events import AudioEvent
    from speakerd.audio.settings import AudioSettings
    from speakerd.config.settings import Settings
    from speakerd.dialogue.commands import Command
    from speakerd.dialogue.events import Event
    from speakerd.panel.errors import PanelError
    from speakerd.panel.port import Panel
    from speakerd.realtime.model import RealtimeTurnDetectionConfig
    from speakerd.realtime.session import RealtimeSession

log = logging.getLogger(__name__)

_FADE_MARGIN_S = 0.05


class PartDiedError(RuntimeError):
    """A part died and cannot be healed from inside: the process must be started anew."""


class Companion(Protocol):
    """What lives beside the speaker and must hear of it: the tools. Event loop only."""

    def start(self) -> None:
        """The speaker is open."""

    def answered(self, text: str) -> None:
        """It said `text`."""

    def silence(self, name: str) -> None:
        """A person heard the ringing timer of that name."""


class Speaker:
    """See the module. Made once, `run` once, in one event loop; all else from that loop, too."""

    def __init__(
        self,
        settings: Settings,
        *,
        make_device: Callable[[AudioSettings], AudioDevice],
        panel: Panel,
        open_session: Callable[[HeardTracker], Awaitable[RealtimeSession]],
        companion: Companion,
        state: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is opened yet.

        Args:
            settings: All of them.
            make_device: Gives the sound device of the settings, not started; asked again when they change.
            panel: Not started.
            open_session: Makes an entered session, or raises ConnectFailedError.
            companion: The tools' side; started when the speaker is open.
            state: Folder of what outlives the process; None keeps nothing.
            clock: The panel's and the device's: monotonic seconds.
        """
        self.settings = settings
        self.monitor = MonitorFeed()
        self.usage = UsageKeeper(state / "usage.json" if state is not None else None)
        self.turns = TurnLog(self.monitor, self.usage, hangover_s=settings.audio.gate.hangover_ms / 1000)
        self._clock = clock
        self._panel = panel
        self._make_device = make_device
        self.engine = self._make_engine()
        self.heard = HeardTracker(lambda: self.engine.positions())  # noqa: PLW0108  # the engine may be replaced
        self.link = SessionLink(lambda: open_session(self.heard), self)
        self.dialogue = Dialogue(
            settings.dialogue,
            gestures=settings.panel.gestures,
            turn_detection=settings.model.turn_detection,
            connection=settings.model.connection,
            now=clock(),
        )
        path = state / "volume" if state is not None else None
        self.volume = Volume(settings.audio.volume, path=path, apply=self._apply_volume)
        self._companion = companion
        self._performer = Performer(self.engine, self.link, self.heard, self)
        self._wake_word_armed = False
        self._inputs = Inputs(settings.panel.gestures)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._gesture_timer: asyncio.TimerHandle | None = None
        self._end: asyncio.Future[None] | None = None
        self._shown: tuple[str, str, str] | None = None
        self._level_of_speaker = False
        self._fading = False
        self._was_muted = False
        self._pending: Settings | None = None
        self._changing: asyncio.Task[None] | None = None

    def _make_engine(self) -> AudioEngine:
        settings = self.settings
        return AudioEngine(
            self._make_device(settings.audio),
            settings.audio,
            on_event=self._from_audio,
            owner="local" if settings.model.turn_detection == "local" else "server",
            wake_word=settings.wake_word if settings.wake_word.enabled else None,
        )

    # -- life ----------------------------------------------------------------------------------------------

    async def run(
        self,
        *,
        prepare: Callable[[], Awaitable[object]] | None = None,
        ready: Callable[[], None] = lambda: None,
        wait_for_device: bool = False,
    ) -> None:
        """Open sound and panel, be a speaker until `stop`, then close everything in reverse.

        `prepare` is awaited once both are open, while the light still says that it is starting; `ready` is called
        after it. Raises DeviceError or PanelError where one cannot be opened, what `prepare` raises, and
        PartDiedError when a part dies later.
        """
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.create_future()
        try:
            self._panel.start(self._from_panel, self._panel_failed)
            await asyncio.to_thread(self.engine.start, wait_for_device=wait_for_device)
            if prepare is not None and not await self._prepared(prepare):
                return
            self.handle(Ready())
            self._companion.start()
            ready()
            await self._end
        finally:
            await self._close()

    async def _prepared(self, prepare: Callable[[], Awaitable[object]]) -> bool:
        """Await `prepare`, but no longer than until `stop`; False then."""
        work = asyncio.ensure_future(prepare())
        either: list[asyncio.Future[Any]] = [work]
        if self._end is not None:
            either.append(self._end)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
            return True
        work.cancel()
        return False

    def stop(self) -> None:
        """End `run`: the sound fades, the light goes off. Idempotent."""
        if self._end is not None and not self._end.done():
            self._fading = self.engine.speaking
            self.engine.fade_out()
            self.handle(StopRequested())
            self._end.set_result(None)

    def die(self, reason: str) -> None:
        """A part is beyond healing: end `run` with PartDiedError, so that systemd starts the daemon anew."""
        log.critical("%s", reason, extra=fields(event="part_died"))
        if self._end is not None and not self._end.done():
            self._end.set_exception(PartDiedError(reason))

    async def _close(self) -> None:
        for timer in (self._timer, self._gesture_timer):
            if timer is not None:
                timer.cancel()
        self._end = None
        fading_until = self._clock() + self.settings.audio.stop_fade_ms / 1000 + self.engine.output_latency_s
        await self.link.close()
        # A slow disk is waited for while the sound fades, not after it.
        stored = asyncio.gather(self.volume.close(), self.usage.close())
        await self._performer.finish()
        if self._fading:
            await asyncio.sleep(max(0.0, fading_until - self._clock()) + _FADE_MARGIN_S)
        await asyncio.to_thread(self.engine.close)
        await asyncio.to_thread(self._panel.close)
        await stored
        self.monitor.close()

    def reconfigure(self, settings: Settings) -> None:
        """New settings, in force as soon as nobody is talking. What needs a restart is left alone."""
        self._pending = settings
        self._settle(self._clock())

    def _apply(self, settings: Settings) -> None:
        before, self.settings = self.settings, settings
        self.dialogue.configure(
            settings.dialogue,
            gestures=settings.panel.gestures,
            turn_detection=settings.model.turn_detection,
            connection=settings.model.connection,
        )
        self._inputs = Inputs(settings.panel.gestures)
        owner_changed = before.model.turn_detection != settings.model.turn_detection
        if before.audio != settings.audio or before.wake_word != settings.wake_word or owner_changed:
            self._changing = asyncio.create_task(self._change_sound())

    async def _change_sound(self) -> None:
        """A new engine in place of the old one, on the device that the settings name now."""
        try:
            await asyncio.to_thread(self.engine.close)
            self.engine = self._make_engine()
            self._performer.engine = self.engine
            self.engine.set_volume(self.volume.value)
            await asyncio.to_thread(self.engine.start, wait_for_device=True)
        except (
            Exception
        ) as error:  # whatever it is: a speaker without sound must not go on as if nothing were
            log.exception("the new sound settings could not be applied")
            self.die(f"no sound after the reload: {error}")

    # -- what happens --------------------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Give `event` to the dialogue, do what it answers, and bring everything else into line."""
        now = self._clock()
        self.turns.event(event, now)
        self._perform(self.dialogue.handle(event, now), now)
        self._settle(now)

    def _tick(self) -> None:
        now = self._clock()
        self._perform(self.dialogue.tick(now), now)
        self._settle(now)

    def _perform(self, commands: tuple[Command, ...], now: float) -> None:
        for command in commands:
            self.turns.command(command, now)
            sounding = isinstance(command, Interrupt) and self.engine.speaking
            self._performer.perform(command)
            if sounding:
                # What the device holds sounds on for its latency, and the ramp is the end of it.
                ramp_s = self.settings.audio.flush_ramp_ms / 1000
                self.turns.silenced(self._clock() + self.engine.output_latency_s + ramp_s)

    def _settle(self, now: float) -> None:
        dialogue = self.dialogue
        if dialogue.flags.muted:
            if not self._was_muted:
                self.engine.discard_captured()
            # The dialogue has ordered it already; this holds even if a row of its table should forget to.
            self.link.outbox.forget_sound()
        self._was_muted = dialogue.flags.muted
        if self._pending is not None and dialogue.phase == "idle":
            pending, self._pending = self._pending, None
            self._apply(pending)
        shown = (dialogue.light, dialogue.phase, dialogue.uplink)
        if shown != self._shown:
            if self._shown is not None:
                self.turns.phase(self._shown[1], shown[1], now)
            self._shown = shown
            self._panel.show(dialogue.light)
            self._level_of_speaker = dialogue.phase == "speaking"
            self.monitor.publish(
                "state", now, light=dialogue.light, phase=dialogue.phase, uplink=dialogue.uplink
            )
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._at(dialogue.deadline, self._tick)

    def _at(self, deadline: float | None, call: Callable[[], None]) -> asyncio.TimerHandle | None:
        if deadline is None or self._loop is None or self._end is None:
            return None
        return self._loop.call_later(max(0.0, deadline - self._clock()), call)

    # -- what commands need (House) -------------------------------------------------------------------------

    def turn_detection(self) -> RealtimeTurnDetectionConfig | None:
        """See `House`."""
        return turn_detection(self.settings.model)

    def change_volume(self, steps: int) -> None:
        """See `House`."""
        self.volume.change(steps * self.settings.tools.volume_step)

    def _apply_volume(self, value: int) -> None:
        self.engine.set_volume(value)

    def silence_timer(self, name: str) -> None:
        """See `House`."""
        self._companion.silence(name)

    def arm_wake_word(self, *, armed: bool) -> None:
        """See `House`."""
        self._wake_word_armed = armed

    # -- from the panel's threads --------------------------------------------------------------------------

    def _from_panel(self, button: str, pressed: bool, at: float) -> None:
        self._post(self._edge, button, pressed, at)

    def _edge(self, button: str, pressed: bool, at: float) -> None:
        self._gestured(self._inputs.edge(button, pressed, at))

    def _gesture_tick(self) -> None:
        self._gestured(self._inputs.tick(self._clock()))

    def _gestured(self, gestures: tuple[Any, ...]) -> None:
        for gesture in gestures:
            self.handle(gesture)
        if self._gesture_timer is not None:
            self._gesture_timer.cancel()
        self._gesture_timer = self._at(self._inputs.deadline, self._gesture_tick)

    def _panel_failed(self, error: PanelError) -> None:
        # The rest of the panel goes on; a speaker with a dark light is better than none.
        self._post(lambda: log.error("%s", error, extra=fields(event="panel_failed")))

    # -- from the audio thread -----------------------------------------------------------------------------

    def _from_audio(self, event: AudioEvent) -> None:
        if isinstance(event, Level):
            self._panel.set_level(event.speaker_dbfs if self._level_of_speaker else event.mic_dbfs)
            if not self.monitor.watched:
                return
        self._post(self._audio_event, event)

    def _audio_event(self, event: AudioEvent) -> None:
        match event:
            case SpeechAudio(pcm):
                self._captured(pcm)
            case Level():
                self.monitor.publish(
                    "level",
                    event.at,
                    mic=round(event.mic_dbfs, 1),
                    speaker=round(event.speaker_dbfs, 1),
                    gate=event.gate_open,
                )
            case Xruns(direction, count):
                log.warning("%d xruns in %s", count, direction, extra=fields(event="xruns", count=count))
            case PlaybackUnderrun(item_id):
                log.info("speech ran out for a moment", extra=fields(event="underrun", item=item_id))
            case CaptureSilent():
                log.warning("the microphone gives digital silence", extra=fields(event="capture_silent"))
            case WakeWordHeard(word, at):
                if self._wake_word_armed:
                    # The sentence may begin within the word: "okay nabu what time" leaves no pause.
                    self.handle(WakeWordHeard(word, at - self.settings.wake_word.pre_roll_ms / 1000))
            case DeviceStuck(reason):
                self.die(f"the sound device hangs: {reason}")
            case DeviceLost(direction, reason):
                log.warning(
                    "%s lost: %s", direction, reason, extra=fields(event="device_lost", direction=direction)
                )
                self.handle(event)
            case DeviceReturned(direction):
                log.info(
                    "%s runs again", direction, extra=fields(event="device_returned", direction=direction)
                )
                self.handle(event)
            case (
                SpeechStarted()
                | SpeechEnded()
                | BargeInSuspected()
                | BargeInConfirmed()
                | BargeInRejected()
                | PlaybackStarted()
                | PlaybackDrained()
            ):
                self.handle(event)
            case _:
                assert_never(event)

    def _captured(self, pcm: bytes) -> None:
        uplink = self.dialogue.uplink
        if uplink == "open":
            self.link.send(Sound(pcm))
        elif uplink == "hold":
            self.link.outbox.hold(Sound(pcm))

    def _post(self, call: Callable[..., None], *arguments: Any) -> None:
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._guarded, call, arguments)
        except RuntimeError:
            # The loop has ended while a thread of the driver was on its way here: there is nobody left to tell.
            log.debug("an event came after the end")

    def _guarded(self, call: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        try:
            call(*arguments)
        except Exception as error:  # a fault of ours in one event would leave a half-changed speaker
            log.exception("an event could not be handled")
            self.die(f"internal error: {error!r}")

    # -- from the link (LinkSink) --------------------------------------------------------------------------

    def fact(self, event: Event) -> None:
        """See `LinkSink`."""
        if isinstance(event, ServerSpeechStopped):
            self.engine.server_ended()
        elif isinstance(event, Connected):
            self.engine.release_item_ids()
            self.heard.forget()
        elif isinstance(event, ConnectionLost | ResponseEnded):
            # Not every server says that an item's sound is complete, and none does once the line is cut; what is
            # not finished would wait for more for ever.
            for item in self.engine.positions():
                self.engine.finish_item(item.item_id)
        self.handle(event)

    def audio(self, item_id: str, content_index: int, pcm: bytes) -> bool:
        """See `LinkSink`."""
        return self.engine.play(item_id, content_index, pcm)

    def audio_done(self, item_id: str) -> None:
        """See `LinkSink`."""
        self.engine.finish_item(item_id)

    def audio_interrupted(self) -> None:
        """See `LinkSink`."""
        self._performer.cut_off()

    def caption(self, role: str, item_id: str, text: str, *, final: bool) -> None:
        """See `LinkSink`."""
        self.turns.caption(role, item_id, text, final=final, now=self._clock())
        if final and role == "assistant":
            self._companion.answered(text)
        if final and self.settings.log.transcripts:
            log.info("%s: %s", role, text, extra=fields(event="transcript", role=role))

    def detail(self, event: str, details: dict[str, Any]) -> None:
        """See `LinkSink`."""
        self.turns.detail(event, details, self._clock())

    def room(self) -> bool:
        """See `LinkSink`."""
        return self.engine.has_room
