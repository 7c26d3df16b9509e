"""The speaker: one event loop that joins sound, light, dialogue and session.

    panel threads ──edges──▶ PanelEvents ─┐              ┌─▶ engine (microphone, loudspeaker)
    audio thread ──events──▶ AudioEvents ─┼─▶ dialogue ──┼─▶ link (uplink queue ─▶ session ─▶ model)
    link ──────────events──▶ SessionEvents┘              └─▶ panel (light)

Everything that happens becomes an event of the dialogue; the dialogue answers with commands; `CommandExecutor`
carries them out. After every event the light, the uplink queue and the one timer are brought into line with the
dialogue, so that none of them can remember something else. Threads post into the loop with `call_soon_threadsafe`,
in order. The loop may stall without being heard: the loudspeaker is fed by its own thread.

The way of the sound. Threads: C is PortAudio's capture, E audio-engine, L the event loop, P PortAudio's
playback. Where the thread or the task changes there is a queue; "via" names it.

UP: one block of 10 ms from the microphone to the wire
    C   PyAudioDevice._capture_callback     the card's bytes, stamped with the time
    C   CaptureAdapter.convert              to 16 kHz mono, in blocks of 10 ms
    C   AudioEngine._on_block               via a SimpleQueue to E
    E   AudioEngine._process                EchoReference.take: what the loudspeaker played at that time
    E   SpeechPipeline.process              echo canceller, then frames of 20 ms
    E   SpeechPipeline._frame               noise floor, voice detector, barge-in, gate with its look back
    E   SpeechPipeline._events              what passed the gate, resampled to 24 kHz: SpeechAudio
    E   AudioEvents.post                    via call_soon_threadsafe to L
    L   AudioEvents._captured               asks Dialogue.uplink: drop, hold or send; via the UplinkQueue
    L   SessionLink._send_uplink            a task of its own; waits while there is no connection
    L   RealtimeSession.send_audio          base64; a copy is kept, to be sent again; via the protocol's frames
    L   OpenAIRealtimeWebSocketModel._flush WebSocket, TLS, socket

DOWN: one delta of an answer from the wire to the ear
    L   OpenAIRealtimeWebSocketModel._read  a task of its own: one frame, JSON, base64
    L   RealtimeSession.on_event            history, guardrails; via the session's event queue
    L   SessionLink._read                   a task of its own; waits for room: back pressure to the socket
    L   SessionEvents.event                 AudioEngine.play; via the PlaybackBuffer (a lock) to P
    P   PyAudioDevice._playback_callback    PlaybackAdapter.take, in blocks of 10 ms
    P   AudioEngine._pull                   PlaybackBuffer.pull: speech, earcons, volume, ramps; EchoReference.put
    P   PlaybackAdapter                     to the card's rate and channels, to PortAudio
    E   AudioEngine.tick                    PlaybackStarted and PlaybackDrained, made by P, go through
                                            AudioEvents.post like all events; up to 50 ms late

BACK: an interruption. The dialogue orders `Interrupt`: `LiveEngine.cut_off` flushes the buffer at once and
notes how much of each item was heard; then the session cancels the answer and truncates it there, by
`PlaybackTracker`. Where the server began it, the session's `audio_interrupted` flushes, and only then.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from speakerd.daemon.core.announcer import Announcer, Voice
from speakerd.daemon.core.audio_events import AudioEvents
from speakerd.daemon.core.command_executor import CommandExecutor
from speakerd.daemon.core.live_engine import LiveEngine
from speakerd.daemon.core.live_panel import LivePanel
from speakerd.daemon.core.panel_events import PanelEvents
from speakerd.daemon.core.request_book import RequestBook
from speakerd.daemon.core.session_events import SessionEvents
from speakerd.daemon.core.tool_host import ToolHost
from speakerd.daemon.metrics import MonitorFeed, TurnLog, UsageStore
from speakerd.daemon.model_config import TURNS, turn_kind
from speakerd.daemon.session import SessionLink, SessionRenewal, UplinkQueue
from speakerd.daemon.storage import MuteMemory, Volume
from speakerd.dialogue.commands import Interrupt
from speakerd.dialogue.events import Ready, StopRequested
from speakerd.dialogue.requests import MUTE
from speakerd.dialogue.state_machine import Dialogue
from speakerd.host.journal import fields

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from speakerd.audio.device import AudioDevice
    from speakerd.audio.engine import AudioEngine
    from speakerd.audio.settings import AudioSettings
    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import LiveSettings, UnworkableSettingError
    from speakerd.daemon.session import SessionFactory
    from speakerd.dialogue.commands import Command
    from speakerd.dialogue.events import Event
    from speakerd.panel.port import Panel
    from speakerd.panel.settings import PanelSettings
    from speakerd.realtime.session import RealtimeSession

log = logging.getLogger(__name__)

_FADE_MARGIN_S = 0.05


class RestartRequestedError(Exception):
    """The process is to end as on `stop`, and to be started again."""


class PartFailedError(RuntimeError):
    """A part failed and cannot be repaired while the process runs: it must be restarted."""


class Speaker:
    """The event loop's side of everything. Made once and `run` once; all methods belong to that event loop."""

    def __init__(
        self,
        settings: LiveSettings,
        *,
        make_device: Callable[[AudioSettings], AudioDevice],
        make_panel: Callable[[PanelSettings], Panel],
        sessions: SessionFactory,
        voice: Voice,
        state: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make all parts from the settings; nothing is opened yet.

        Args:
            settings: All of them; each part subscribes to its own.
            make_device: Returns the sound device of the settings, not started; asked again when they change.
            make_panel: Returns the panel of the settings, not started; asked again when they change.
            sessions: Opens sessions.
            voice: Speaks announcements.
            state: Folder of what outlives the process; None keeps nothing.
            clock: The panel's and the device's: monotonic seconds.
        """
        self.settings = settings
        self._clock = clock
        self._panel = LivePanel(settings, make_panel=make_panel, clock=clock, die=self.die)
        self._sessions = sessions
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._end: asyncio.Future[None] | None = None
        self._shown: tuple[str, str, str] | None = None
        self._fading = False
        self._was_muted = False

        now = settings.latest
        # They say what is done at the start, which is over.
        settings.subscribe("dialogue.start_muted", "dialogue.remember_press_s", when="restart")
        self._muted_by_hand = MuteMemory(state / "mute" if state is not None else None)
        self._muted_by_settings = now.dialogue.start_muted and not self._muted_by_hand.muted
        """It was muted at the start by the settings alone, and still is: nobody's hand, so not to be kept."""
        self.monitor = MonitorFeed()
        self.usage = UsageStore(state / "usage.json" if state is not None else None)
        self.turns = TurnLog(self.monitor, self.usage, settings)
        self.dialogue = Dialogue(
            now.dialogue,
            gestures=now.panel.gestures,
            turn_detection=turn_kind(now.model),
            connection=now.model.connection,
            muted=self._muted_by_hand.muted,
            now=clock(),
        )
        self._dialogue_settings = settings.subscribe(
            "dialogue",
            *TURNS,
            "model.connection",
            but=("dialogue.start_muted", "dialogue.remember_press_s"),
            take=self._configure_dialogue,
        )
        settings.subscribe("panel.gestures", take=self._configure_gestures, when="now")
        self.live_engine = LiveEngine(settings, make_device=make_device, die=self.die)
        self.volume = Volume(
            now.audio.volume,
            path=state / "volume" if state is not None else None,
            apply=self.live_engine.set_volume,
        )
        settings.subscribe("audio.volume", take=self._set_volume, when="now")
        self.tools = ToolHost(settings, volume=self.volume, handle=self.handle, state=state, clock=clock)
        session_events = SessionEvents(
            settings,
            engine=self.live_engine,
            turns=self.turns,
            tools=self.tools,
            voice=voice,
            handle=self.handle,
            clock=clock,
        )
        self.link = SessionLink(
            self._open_session,
            UplinkQueue(on_dropped=session_events.speech_dropped),
            on_fact=session_events.fact,
            on_event=session_events.event,
        )
        self.requests = RequestBook()
        self.announcer = Announcer(engine=self.live_engine, voice=voice, handle=self.handle)
        self._audio_events = AudioEvents(
            settings,
            dialogue=self.dialogue,
            link=self.link,
            panel=self._panel,
            monitor=self.monitor,
            announcer=self.announcer,
            silenced=self.live_engine.silenced,
            post=self._post,
            handle=self.handle,
            die=self.die,
        )
        self._panel_events = PanelEvents(
            settings, post=self._post, handle=self.handle, call_at=self._at, clock=clock
        )
        self._executor = CommandExecutor(
            settings,
            engine=self.live_engine,
            link=self.link,
            audio_events=self._audio_events,
            tools=self.tools,
            announcer=self.announcer,
            requests=self.requests,
        )
        SessionRenewal(settings, link=self.link, sessions=sessions, tools=lambda: self.tools.tools)

    @property
    def engine(self) -> AudioEngine:
        """The audio engine in force; another one once the settings of sound have changed."""
        return self.live_engine.current

    @property
    def listens_for_wake_word(self) -> bool:
        """Whether the wake word would begin a conversation now, if there is one."""
        return self._audio_events.wake_word_armed and not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """Why there is no microphone or no loudspeaker, while there is none."""
        return tuple(self._audio_events.missing.values())

    @property
    def unstored(self) -> tuple[str, ...]:
        """What outlives the process could not be read, or is not stored: why, and what to do."""
        parts = (self._muted_by_hand, self.volume, self.tools.timers, self.usage)
        return tuple(part.problem for part in parts if part.problem is not None)

    async def mute_stored(self) -> str | None:
        """Wait until it is on the disk whether it is muted; return why the next start will not know it, if so."""
        await self._muted_by_hand.written()
        return self._muted_by_hand.problem

    async def _open_session(self, on_failure: Callable[[str], None]) -> RealtimeSession[None]:
        return await self._sessions.open(self.live_engine.tracker, self.tools.tools, on_failure)

    # -- life ----------------------------------------------------------------------------------------------

    async def run(
        self,
        *,
        prepare: Callable[[], Awaitable[object]] | None = None,
        ready: Callable[[], None] = lambda: None,
        wait_for_device: bool = False,
    ) -> None:
        """Open sound and panel, run until `stop`, then close everything in reverse.

        `prepare` is awaited once both are open, while the light still says that it is starting; `ready` is called
        after it. Raises DeviceError or PanelError where one cannot be opened, what `prepare` raises,
        PartFailedError when a part fails for good, and RestartRequestedError after `restart`.
        """
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.create_future()
        try:
            self._panel.start(self._panel_events.edge, self._panel_events.failed)
            await self.live_engine.start(self._audio_events.post, wait_for_device=wait_for_device)
            if prepare is not None and not await self._prepared(prepare):
                return
            self.handle(Ready())
            self._tell_of_mute()
            self.tools.start()
            ready()
            await self._end
        finally:
            await self._close()

    def _tell_of_mute(self) -> None:
        if self.dialogue.state.muted_by_hand:
            cause = "muted by hand when it ran last"
            if self._muted_by_settings:
                cause = "dialogue.start_muted"
            elif self._muted_by_hand.problem:
                cause = "what was kept of it cannot be read"
            log.info("it starts muted: %s", cause, extra=fields(event="started_muted"))

    async def _prepared(self, prepare: Callable[[], Awaitable[object]]) -> bool:
        """Await `prepare`, but no longer than until `stop`; return False then.

        It has ended when this returns, so that nothing of it runs beside the closing of what it uses.
        """
        work = asyncio.ensure_future(prepare())
        either: list[asyncio.Future[Any]] = [work]
        if self._end is not None:
            either.append(self._end)
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
                return True
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        if self._end is not None:
            self._end.result()
        return False

    def stop(self) -> None:
        """End `run`: the sound fades, the light goes off. Idempotent."""
        self._end_with(None)

    def _end_with(self, error: RestartRequestedError | None) -> None:
        if self._end is not None and not self._end.done():
            self._fading = self.engine.speaking
            self.engine.fade_out()
            self.handle(StopRequested())
            if error is None:
                self._end.set_result(None)
            else:
                self._end.set_exception(error)

    def restart(self) -> None:
        """End `run` as `stop` does, but with RestartRequestedError."""
        self._end_with(RestartRequestedError())

    def die(self, reason: str) -> None:
        """End `run` with PartFailedError, so that systemd restarts the daemon: a part is beyond repair."""
        log.critical("%s", reason, extra=fields(event="part_died"))
        if self._end is not None and not self._end.done():
            self._end.set_exception(PartFailedError(reason))

    async def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._panel_events.close()
        self.announcer.close()
        self._end = None
        fading_until = self._clock() + self.live_engine.faded_after_s
        await self.link.close()
        # A slow disk is waited for while the sound fades, not after it.
        stored = asyncio.gather(self.volume.close(), self._muted_by_hand.close(), self.usage.close())
        if self._fading:
            await asyncio.sleep(max(0.0, fading_until - self._clock()) + _FADE_MARGIN_S)
        await self.live_engine.close()
        await asyncio.to_thread(self._panel.close)
        await stored
        self.monitor.close()

    # -- settings ------------------------------------------------------------------------------------------

    async def reconfigure(self, settings: Settings) -> tuple[UnworkableSettingError, ...]:
        """Have each part take what it is made of, at the moment it has named; return what went wrong then.

        Raises:
            SettingsRefusedError: a part cannot work with them, so nothing has changed.
        """
        try:
            await self.settings.change(settings)
        finally:
            self._settle(self._clock())  # what waited for the end of a turn may have waited for this, too
        return await self.settings.settled()

    def _configure_dialogue(self, settings: Settings) -> None:
        self._dialogue_settings = settings
        self._configure_gestures(self.settings.latest)

    def _configure_gestures(self, settings: Settings) -> None:
        made_of = self._dialogue_settings
        commands = self.dialogue.configure(
            made_of.dialogue,
            gestures=settings.panel.gestures,
            turn_detection=turn_kind(made_of.model),
            connection=made_of.model.connection,
        )
        self._perform(commands, self._clock())

    def _set_volume(self, settings: Settings) -> None:
        self.volume.set(settings.audio.volume)

    # -- what happens --------------------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Give `event` to the dialogue, carry out its commands, and bring light, queue and timer into line."""
        now = self._clock()
        if event == MUTE:
            self._muted_by_settings = False
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
            audible = isinstance(command, Interrupt) and self.engine.speaking
            self._executor.perform(command)
            if audible:
                self.turns.silenced(self._clock() + self.live_engine.silent_after_s)

    def _settle(self, now: float) -> None:
        dialogue = self.dialogue
        if dialogue.flags.muted:
            if not self._was_muted:
                self.engine.discard_captured()
            # The dialogue has ordered it already; this holds even if a row of its table should forget to.
            self.link.uplink.forget_sound()
        self._was_muted = dialogue.flags.muted
        self._muted_by_settings = self._muted_by_settings and dialogue.state.muted_by_hand
        self._muted_by_hand.note(dialogue.state.muted_by_hand and not self._muted_by_settings)
        if dialogue.phase in {"starting", "idle"}:
            self.settings.between_turns()
        shown = (dialogue.light, dialogue.phase, dialogue.uplink)
        if shown != self._shown:
            if self._shown is not None:
                self.turns.phase(shown[1], now)
            self._shown = shown
            self._panel.show(dialogue.light)
            self._audio_events.light_follows_speaker = dialogue.phase in {"speaking", "announcing"}
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

    # -- from threads --------------------------------------------------------------------------------------

    def _post(self, call: Callable[..., None], *arguments: Any) -> None:
        """Have `call` made in the event loop, after all that was posted before. Any thread."""
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._guarded, call, arguments)
        except RuntimeError:
            # The loop ended while a thread of the driver was on its way here: nobody is left to handle it.
            log.debug("an event came after the end")

    def _guarded(self, call: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        try:
            call(*arguments)
        except Exception as error:  # a bug of ours in one event would leave a half-changed speaker
            log.exception("an event could not be handled")
            self.die(f"internal error: {error!r}")
