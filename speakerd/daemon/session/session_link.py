"""One conversation with the model: opens a session, empties the uplink queue into it, reports what comes back.

A link owns one task that opens the session, one that reads its events, and one that sends. It decides nothing:
when to connect, what may be sent and when to stop are the dialogue's decisions.

Connecting and healing (backoff, replay of the history) are the session layer's work. While there is no
connection the uplink queue waits, and the dialogue is told `ConnectionLost` and later `Connected`. A session
that ended because trying again cannot help is replaced at the next `connect`; one that ended by a fault, after
a short pause. `connected` is the one flag that says whether something can be sent; the session's own events set
it.

All of it runs on the event loop. `close` and `disconnect` are idempotent and may be called at any time.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, assert_never

from speakerd.daemon.session.event_translation import EventTranslator
from speakerd.daemon.session.uplink_queue import (
    CapturedSpeech,
    Outgoing,
    SetTurnDetection,
    UpdateSession,
    UplinkQueue,
)
from speakerd.dialogue.commands import Approve, Commit, DiscardAudio, Interrupt, Reject, SendText
from speakerd.dialogue.events import ConnectionLost
from speakerd.realtime.agents import UnknownToolCallError
from speakerd.realtime.errors import ConnectFailedError, UserError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from speakerd.dialogue.events import Event
    from speakerd.realtime.session import RealtimeSession, RealtimeSessionEvent

log = logging.getLogger(__name__)

SAY = 'Say exactly these words, in their language, once, and nothing else: "{text}"'
"""The instructions of a reply that is an announcement: models, the embedded one too, know this sentence."""

_AFTER_A_FAULT_S = 1.0
"""Before a session that ended by a fault is replaced."""

_AFTER_A_FAILURE_S = 30.0
"""Before another opening, where neither the server of the settings nor the embedded one could be reached."""

_LAST_COUNT_LIMIT_S = 0.5
"""A server says within this what a cancelled answer has cost, or it is not counted."""

_READER_LIMIT_S = 1.0
"""A session that nothing can be sent to ends within this."""

_END_LIMIT_S = 1.5
"""A session ends within this, the last count included: neither a server that does not answer, nor a tool that does
not heed its end, must hold up the stop of the daemon, which has two seconds."""


class SessionLink:
    """Runs one session at a time, from its opening to its end."""

    def __init__(
        self,
        open_session: Callable[[Callable[[str], None]], Awaitable[RealtimeSession]],
        uplink: UplinkQueue,
        *,
        on_fact: Callable[[Event], None],
        on_event: Callable[[RealtimeSessionEvent], Awaitable[None]],
    ) -> None:
        """Nothing is opened yet.

        Args:
            open_session: Returns an entered session, or raises `ConnectFailedError`; calls its argument with the
                reason of each attempt that failed and is followed by another.
            uplink: What waits to be sent.
            on_fact: Called with what the dialogue must know.
            on_event: Awaited with every session event before the next one is read: whoever lags holds up the
                reading. After the end of the conversation only with `usage`.
        """
        self._open_session = open_session
        self.uplink = uplink
        self._on_fact = on_fact
        self._on_event = on_event
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._usable = asyncio.Event()
        self._filled = asyncio.Event()
        self._attempt_has_failed = False
        self._closed = False

    @property
    def connected(self) -> bool:
        """Whether there is a session that takes what is sent."""
        return self._usable.is_set()

    @property
    def wanted(self) -> bool:
        """Whether there is a session, or one is being opened."""
        return self._task is not None and not self._task.done()

    def connect(self) -> None:
        """Be connected until `disconnect`. If the next attempt to connect is being waited for, begin it now."""
        if self._closed:
            return
        before = None
        if self._task is not None and not self._task.done():
            if not self._attempt_has_failed:
                return
            before = self._leave()
        self._task = asyncio.create_task(self._run(before), name="session")

    def disconnect(self) -> None:
        """End the session, and drop what was to be sent in it. It is closed by itself, beside one that follows."""
        self.uplink.clear()
        self._usable.clear()
        self._leave()

    def _leave(self) -> asyncio.Task[None] | None:
        task, self._task = self._task, None
        if task is not None and not task.done():
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            task.cancel()
        return task

    async def close(self) -> None:
        """Disconnect for good; return when every session has ended."""
        self._closed = True
        self.disconnect()
        if self._ending:
            await asyncio.wait(self._ending)

    def send(self, item: Outgoing) -> None:
        """Queue `item`; it leaves in order once connected."""
        self.uplink.put(item)
        self._filled.set()

    def release(self) -> None:
        """Send the speech that was held, behind all that was queued."""
        self.uplink.release()
        self._filled.set()

    async def _run(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        while (pause_s := await self._serve()) is not None:  # noqa: ASYNC110  # a whole session, then a pause
            await asyncio.sleep(pause_s)

    async def _serve(self) -> float | None:
        """Run one session from its opening to its end; return after how many seconds another may help, if ever."""
        self._attempt_has_failed = False
        try:
            session = await self._open_session(self._attempt_failed)
        except ConnectFailedError as error:
            self._on_fact(ConnectionLost(str(error), fatal=error.fatal))
            self._attempt_has_failed = True
            return None if error.fatal else _AFTER_A_FAILURE_S
        except UserError as error:  # The settings cannot be: only a person can help.
            self._on_fact(ConnectionLost(str(error), fatal=True))
            return None
        except Exception as error:  # a part that is missing or broken: reported at once, never ignored
            log.exception("no session could be made")
            self._on_fact(ConnectionLost(f"internal error: {error}", fatal=True))
            return None
        self._attempt_has_failed = False
        facts = EventTranslator()
        reader = asyncio.create_task(self._read(session, facts), name="session-reader")
        sender = asyncio.create_task(self._send_uplink(session), name="session-sender")
        fatal: bool | None = None
        try:
            await asyncio.wait({reader, sender}, return_when=asyncio.FIRST_COMPLETED)
            if sender.done():
                # Sending fails only where the session has ended; its reader knows better why.
                log.error("sending to the model failed: %s", sender.exception())
                await asyncio.wait({reader}, timeout=_READER_LIMIT_S)
            fatal = reader.done() and reader.result()
            if not reader.done():
                self._on_fact(ConnectionLost(f"sending failed: {sender.exception()}"))
        finally:
            self._usable.clear()
            for task in (reader, sender):
                task.cancel()
            await asyncio.wait({reader, sender})
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_LIMIT_S):
                    if fatal is None and facts.answering:
                        await self._last_count(session, facts)
                    await session.close()
        return None if fatal else _AFTER_A_FAULT_S

    def _attempt_failed(self, reason: str) -> None:
        self._attempt_has_failed = True
        self._on_fact(ConnectionLost(reason))

    async def _last_count(self, session: RealtimeSession, facts: EventTranslator) -> None:
        """End the answer that nobody will hear, and report what it has cost, but nothing else."""
        # Whatever goes wrong here: the session is being closed.
        with suppress(Exception):
            async with asyncio.timeout(_LAST_COUNT_LIMIT_S):
                await session.interrupt()
                async for event in session:
                    facts.of(event)
                    if event.type == "usage":
                        await self._on_event(event)
                    if not facts.answering:
                        return

    async def _read(self, session: RealtimeSession, facts: EventTranslator) -> bool:
        """Report what the session does until it ends; return whether trying again cannot help."""
        reason, fatal = "the session ended", False
        begun = False
        try:
            async for event in session:
                if event.type == "connection":
                    # What was queued while it was being opened has been reported already.
                    begun = begun or event.status == "connected"
                    if not begun:
                        continue
                    self._usable.set() if event.status == "connected" else self._usable.clear()
                    reason, fatal = event.reason or reason, event.fatal
                await self._on_event(event)
                for fact in facts.of(event):
                    self._on_fact(fact)
        except ConnectFailedError as error:
            reason, fatal = str(error), error.fatal
        except Exception as error:  # a bug in the session must be reported, and must not end the daemon
            log.exception("the session failed")
            reason = f"internal error: {error}"
        for fact in facts.at_end():
            self._on_fact(fact)
        self._on_fact(ConnectionLost(reason, fatal=fatal))
        return fatal

    async def _send_uplink(self, session: RealtimeSession) -> None:
        while True:
            await self._usable.wait()
            item = self.uplink.take()
            if item is None:
                self._filled.clear()
                await self._filled.wait()
                continue
            await _send(session, item)


async def _send(session: RealtimeSession, item: Outgoing) -> None:
    match item:
        case CapturedSpeech(pcm):
            await session.send_audio(pcm)
        case Commit():
            await session.commit_audio()
            await session.respond()
        case DiscardAudio():
            await session.clear_audio()
        case SendText(text, kind):
            if kind == "say":
                await session.respond(instructions=SAY.format(text=text), tool_choice="none")
            else:
                await session.send_message(text)
        case Interrupt():
            await session.interrupt()
        case SetTurnDetection(config):
            await session.update_settings(turn_detection=config)
        case UpdateSession(agent, config, speed):
            await session.update_agent(agent)
            await session.update_settings(turn_detection=config, speed=speed)
        case Approve(call_id):
            with _answered_before():
                await session.approve_tool_call(call_id)
        case Reject(call_id, reason):
            with _answered_before():
                await session.reject_tool_call(call_id, rejection_message=reason)
        case _:
            assert_never(item)


def _answered_before() -> suppress:
    """Ignore that a call was answered before, or has been given up: it needs no answer any more."""
    return suppress(UnknownToolCallError)
