"""One conversation with the model: opens a session, sends the outbox, tells what comes back.

The link owns two tasks per connection, one that reads the session's events and one that empties the outbox into
it, and turns session events into dialogue events (`facts.py`). Nothing here decides anything: when to connect, what
may be sent and when to stop is the dialogue's business.

The session heals its own connection (backoff, replay); while it does, the outbox waits, and the dialogue is told
`ConnectionLost` and later `Connected`.

All of it runs on the event loop. `close` and `disconnect` are idempotent and may be called at any time.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from speakerd.daemon.session.event_translation import Facts, details_of
from speakerd.daemon.session.uplink_queue import (
    ClearInput,
    CutOff,
    EndOfTurn,
    Outbox,
    Outgoing,
    Sound,
    Text,
    TurnDetection,
    Verdict,
)
from speakerd.dialogue.events import Connected, ConnectionLost
from speakerd.realtime.agents import UnknownToolCallError
from speakerd.realtime.errors import ConnectFailedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from speakerd.dialogue.events import Event
    from speakerd.realtime.session import RealtimeSession, RealtimeSessionEvent

log = logging.getLogger(__name__)

SAY = "Repeat after me, word for word: {text}"
"""What a text to be said aloud is wrapped in: models, the embedded one too, know this sentence."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
"""Between tries of a session that could not be had, or has ended; a wake does not wait for them."""

_LAST_COUNT_LIMIT_S = 0.5
"""A server says within this what a cancelled answer has cost, or it is not counted."""

_CLOSE_LIMIT_S = 1.0
"""A server that does not answer a close must not hold up the stop of the daemon."""


class LinkSink(Protocol):
    """Who is told. All methods are called on the event loop and return at once."""

    def fact(self, event: Event) -> None:
        """Something the dialogue must know."""

    def audio(self, item_id: str, content_index: int, pcm: bytes) -> bool:
        """Sound to play. False: taken, but wait until `room`."""

    def audio_done(self, item_id: str) -> None:
        """No more of that item will come."""

    def audio_interrupted(self) -> None:
        """Playback must stop now."""

    def caption(self, role: str, item_id: str, text: str, *, final: bool) -> None:
        """A piece (or with `final` all) of what one side said."""

    def detail(self, event: str, fields: dict[str, Any]) -> None:
        """Something for the monitor and the journal: usage, a tool, an error, speech that was lost."""

    def room(self) -> bool:
        """Whether playback takes more."""


class SessionLink:
    """See the module."""

    def __init__(
        self,
        open_session: Callable[[], Awaitable[RealtimeSession]],
        sink: LinkSink,
    ) -> None:
        """`open_session` makes an entered session or raises `ConnectFailedError`."""
        self._open_session = open_session
        self._sink = sink
        self.outbox = Outbox(on_dropped=self._speech_dropped)
        self._task: asyncio.Task[None] | None = None
        self._usable = asyncio.Event()
        self._filled = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closed = False

    @property
    def connected(self) -> bool:
        """Whether something can be sent now."""
        return self._usable.is_set()

    def connect(self) -> None:
        """Be connected until `disconnect`: begin now, also where the next try would come later."""
        if self._closed:
            return
        self._hurry.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="session")

    async def disconnect(self) -> None:
        """End the session, and forget what was to be sent in it."""
        task, self._task = self._task, None
        self.outbox.clear()
        self._usable.clear()
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def close(self) -> None:
        """Disconnect for good."""
        self._closed = True
        await self.disconnect()

    def send(self, item: Outgoing) -> None:
        """Queue `item`; it leaves in order once connected."""
        self.outbox.put(item)
        self._filled.set()

    def release(self) -> None:
        """Queue what was held."""
        self.outbox.release()
        self._filled.set()

    def _speech_dropped(self, seconds: float) -> None:
        self._sink.detail("speech_dropped", {"seconds": round(seconds, 2)})

    async def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            self._hurry.clear()
            if await self._serve():
                pause_s = _FIRST_PAUSE_S
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _serve(self) -> bool:
        """One session from its opening to its end; False where there was none."""
        try:
            session = await self._open_session()
        except ConnectFailedError as error:
            self._sink.fact(ConnectionLost(str(error), fatal=error.fatal))
            return False
        except Exception as error:  # a part that is missing or broken: told at once, never in silence
            log.exception("no session could be made")
            self._sink.fact(ConnectionLost(f"internal error: {error}", fatal=True))
            return False
        sender = asyncio.create_task(self._send_outbox(session), name="session-sender")
        sender.add_done_callback(self._sender_ended)
        self._usable.set()
        self._sink.fact(Connected())
        facts, given_up = Facts(), True
        try:
            await self._read(session, facts)
            given_up = False
        finally:
            self._usable.clear()
            sender.cancel()
            try:
                if given_up and facts.answering:
                    await self._last_count(session, facts)
            finally:
                with suppress(TimeoutError):
                    await asyncio.wait_for(session.close(), _CLOSE_LIMIT_S)
        return True

    async def _last_count(self, session: RealtimeSession, facts: Facts) -> None:
        """End the answer that nobody will hear, and wait for what it has cost. Nothing else is told any more."""
        # Whatever goes wrong here: the session is being closed.
        with suppress(Exception):
            async with asyncio.timeout(_LAST_COUNT_LIMIT_S):
                await session.interrupt()
                async for event in session:
                    facts.of(event)
                    for detail, fields in details_of(event):
                        if detail == "usage":
                            self._sink.detail(detail, fields)
                    if not facts.answering:
                        return

    async def _read(self, session: RealtimeSession, facts: Facts) -> None:
        reason, fatal = "the session ended", False
        try:
            async for event in session:
                if event.type == "connection":
                    self._usable.set() if event.status == "connected" else self._usable.clear()
                    reason = event.reason or reason
                await self._tell(event, facts)
        except ConnectFailedError as error:
            reason, fatal = str(error), error.fatal
        except Exception as error:  # a fault in the session must be heard of, and must not end the daemon
            log.exception("the session failed")
            reason = f"internal error: {error}"
        self._sink.fact(ConnectionLost(reason, fatal=fatal))

    async def _tell(self, event: RealtimeSessionEvent, facts: Facts) -> None:
        sink = self._sink
        if event.type == "audio":
            audio = event.audio
            if not sink.audio(audio.item_id, audio.content_index, audio.data):
                await self._wait_for_room()
            return
        match event.type:
            case "audio_end":
                sink.audio_done(event.item_id)
            case "audio_interrupted":
                sink.audio_interrupted()
            case "transcript_delta":
                sink.caption(event.role, event.item_id, event.delta, final=False)
            case "conversation.item.input_audio_transcription.completed":
                sink.caption("user", event.item_id, event.transcript.strip(), final=True)
            case "response.audio_transcript.done":
                sink.caption("assistant", event.item_id, event.transcript.strip(), final=True)
        for detail, fields in details_of(event):
            sink.detail(detail, fields)
        for fact in facts.of(event):
            sink.fact(fact)

    async def _wait_for_room(self) -> None:
        """The model is minutes ahead of the ear: leave its frames in the socket until some were played."""
        while not self._sink.room():  # noqa: ASYNC110  # the device's thread makes room, and no event tells of it
            await asyncio.sleep(0.1)

    async def _send_outbox(self, session: RealtimeSession) -> None:
        while True:
            await self._usable.wait()
            item = self.outbox.take()
            if item is None:
                self._filled.clear()
                await self._filled.wait()
                continue
            await _send(session, item)

    def _sender_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            return
        # Sending fails only where the session has ended for good; its reader then ends too. Never in silence.
        log.error("sending to the model failed: %s", task.exception())
        if self._task is not None:
            self._task.cancel()
            self._sink.fact(ConnectionLost(f"sending failed: {task.exception()}"))


async def _send(session: RealtimeSession, item: Outgoing) -> None:
    match item:
        case Sound(pcm):
            await session.send_audio(pcm)
        case EndOfTurn():
            await session.commit_audio()
            await session.respond()
        case ClearInput():
            await session.clear_audio()
        case Text(text, verbatim):
            await session.send_message(SAY.format(text=text) if verbatim else text)
        case CutOff():
            await session.interrupt()
        case TurnDetection(config):
            await session.update_settings(turn_detection=config)
        case Verdict(call_id, reason):
            # A call that was answered before, or has been given up, needs no answer any more.
            with suppress(UnknownToolCallError):
                if reason is None:
                    await session.approve_tool_call(call_id)
                else:
                    await session.reject_tool_call(call_id, rejection_message=reason)
