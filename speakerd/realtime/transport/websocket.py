"""The model behind a WebSocket: a thin shell around `RealtimeProtocol` and `ConnectionState`.

Tasks, all on one event loop:

- *run* keeps a connection: opens it, waits until it is lost, decides by the table in `retry_policy` what is next;
- a *reader* per connection feeds frames to the protocol and notifies the listeners of the events, waiting for them:
  a listener that lags holds up the reading, so nothing piles up here;
- *timer* calls the protocol's `tick`, looks whether the connection is alive (more closely while something is due),
  and replaces a session that grows old, between turns: the new connection is open before the old one is closed.

What the listeners have not taken is one frame: while they lag, the socket is not read, and the server has to wait.

`send_event` never waits for listeners, so a listener may call it, and so may the reader of the session's queue.
The events it causes are passed to the listeners by a task of their own, in order with all others.

Compression is off: it costs more than it saves on base64 audio. Certificates are always verified. A proxy is taken
from the environment (`https_proxy`, `no_proxy` …). All times come from `clock` and `sleep`, by default the event
loop's; the wall clock is only compared with the time at which the server says that the session ends.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import secrets
import time
from collections import deque
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed

from speakerd.realtime.dialects import OPENAI
from speakerd.realtime.errors import (
    ConnectFailedError,
    ConnectRefusedError,
    NotConnectedError,
    RealtimeLayerError,
    SessionNotice,
    UserError,
)
from speakerd.realtime.model import (
    RealtimeModel,
    RealtimeModelConnectionStatusEvent,
    RealtimeModelEndOfStreamEvent,
    RealtimeModelErrorEvent,
    RealtimeModelExceptionEvent,
)
from speakerd.realtime.transport.connector import Link, TransportConfig, open_link, why_closed
from speakerd.realtime.transport.retry_policy import (
    KEY_STATUSES,
    ROTATE_AFTER_S,
    ROTATE_AT_LATEST_S,
    Backoff,
    ConnectionState,
    is_fatal_close,
    rotation,
)
from speakerd.realtime.transport.url import model_url, names_the_model, url_without_secrets
from speakerd.realtime.wire import Allowances, RealtimeProtocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from speakerd.realtime.items import RealtimeItem
    from speakerd.realtime.model import (
        RealtimeModelConfig,
        RealtimeModelEvent,
        RealtimeModelListener,
        RealtimeModelSendEvent,
    )

_log = logging.getLogger(__name__)

CONNECT_ATTEMPTS = 3
"""Attempts before `connect()` raises. After the first success it retries indefinitely."""

GREETED_WITHIN_S = 2.0
"""How long to wait for a server's first event. A server that sends none is used all the same."""

TICK_S = 1.0
"""How often the timer looks while nothing is due."""

TICK_WHILE_DUE_S = 0.25
"""How often it looks while something is: the resolution of the limits, which are seconds."""

CAUGHT_UP_WITHIN_S = 2.0
"""How long it may take to read what came while listeners lagged; until then nothing counts as overdue."""

LISTENERS_WITHIN_S = 5.0
"""How long a reconnect waits for listeners that lag, so that the history it replays is complete."""


class OpenAIRealtimeWebSocketModel(RealtimeModel):
    """A realtime model reached over a WebSocket, whose connection it restores and whose session it renews.

    Args:
        transport_config: Keepalive and handshake.
        rotate_after_s: Age from which a session is replaced between turns.
        rotate_at_latest_s: Age from which it is replaced even while a reply is being played.
        greeted_within_s: How long to wait for the server's first event.
        allowances: Bounds what is asked for and how often it connects; to be shared by all models of one server.
            Its own if absent.
        connect_attempts: How often `connect()` tries before it raises; None: until it is refused or cancelled, each
            failed attempt being reported by the status `reconnecting`.
        clock: Returns monotonic seconds; the event loop's time if absent.
        wall_clock: Returns seconds since 1970.
        sleep: Waits for so many seconds.
        random: Returns numbers in [0, 1), for the delays between attempts.
    """

    def __init__(
        self,
        *,
        transport_config: TransportConfig | None = None,
        rotate_after_s: float = ROTATE_AFTER_S,
        rotate_at_latest_s: float = ROTATE_AT_LATEST_S,
        greeted_within_s: float = GREETED_WITHIN_S,
        allowances: Allowances | None = None,
        connect_attempts: int | None = CONNECT_ATTEMPTS,
        clock: Callable[[], float] | None = None,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._transport = transport_config or TransportConfig()
        self._rotate_after_s = rotate_after_s
        self._rotate_at_latest_s = rotate_at_latest_s
        self._greeted_within_s = greeted_within_s
        self._allowances = allowances or Allowances()
        self._connect_attempts = connect_attempts
        self._given_clock = clock
        self._clock: Callable[[], float] = clock or time.monotonic
        self._wall_clock = wall_clock
        self._sleep = sleep
        self._random = random
        self._listeners: tuple[RealtimeModelListener, ...] = ()
        self._options: RealtimeModelConfig = {}
        self._url = ""
        self._protocol: RealtimeProtocol | None = None
        self._connection: ConnectionState | None = None
        self._link: Link | None = None
        self._begun = False
        """A session has begun: from now on a lost connection is restored."""
        self._usable: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._run_task: asyncio.Task[None] | None = None
        self._events: deque[RealtimeModelEvent] = deque()
        self._all_notified = asyncio.Event()
        self._all_notified.set()
        self._judge_from = -math.inf
        """Until then nothing counts as overdue: frames that listeners held up are being read."""
        self._dismantled = asyncio.Event()
        self._dismantled.set()

    # The port.

    async def connect(self, options: RealtimeModelConfig) -> None:
        """Connect, send the settings, and return when the server has begun the session.

        Raises:
            UserError: the options are invalid, or there is a session already.
            ConnectRefusedError: the server refused; trying again cannot help.
            ConnectFailedError: the server could not be reached in `connect_attempts` attempts.
        """
        if self._run_task is not None:
            raise UserError("this model has a session already: close() it first")
        # Bound once: asking for the running loop is a system call on Python 3.11.
        self._clock = self._given_clock or asyncio.get_running_loop().time
        settings = options.get("initial_model_settings") or {}
        if "call_id" in options and (name := settings.get("model_name")):
            raise UserError(
                "Cannot specify both `call_id` and `model_name`: a running call has its model; leave out the "
                f"name, {name!r}"
            )
        url = model_url(options.get("url"), settings.get("model_name"), options.get("call_id"))
        tracker, dialect = options.get("playback_tracker"), options.get("dialect", OPENAI)
        protocol = RealtimeProtocol(
            settings,
            tracker=tracker,
            salt=secrets.token_hex(4),
            send_model=not names_the_model(url),
            raw_events=options.get("raw_server_events", True),
            dialect=dialect,
            one_session="call_id" in options,
            allowance=self._allowances.responses,
        )
        if tracker is not None:
            tracker.set_audio_format(protocol.output_format)
        self._options, self._url, self._protocol = options, url, protocol
        # A running call is attached to, not owned: its session has the conversation and cannot be replaced.
        after, latest = rotation(self._rotate_after_s, self._rotate_at_latest_s, dialect.session_age_s)
        if "call_id" in options:
            after = latest = math.inf
        self._connection = ConnectionState(
            Backoff(self._random), after, latest, handshakes=self._allowances.handshakes
        )
        self._connection.step("connect", self._clock())
        self._begun = False
        self._dismantled.clear()
        usable = self._usable = asyncio.get_running_loop().create_future()
        self._notify([RealtimeModelConnectionStatusEvent("connecting")])
        self._run_task = self._spawn(self._run(), "realtime connection")
        try:
            await usable
        except BaseException:
            await self.close()
            raise
        self._spawn(self._keep_time(), "realtime timer")

    def add_listener(self, listener: RealtimeModelListener) -> None:
        """Pass every event to `listener` from now on. A listener added twice gets each event once."""
        if listener not in self._listeners:
            self._listeners = (*self._listeners, listener)

    def remove_listener(self, listener: RealtimeModelListener) -> None:
        """Stop passing events to `listener`. Unknown listeners are ignored."""
        self._listeners = tuple(known for known in self._listeners if known is not listener)

    async def send_event(self, event: RealtimeModelSendEvent) -> None:
        """Carry out a request; while the connection is being restored, it is kept and carried out afterwards.

        Returns when its frames have been passed to the socket.

        Raises:
            NotConnectedError: there is no session.
            UserError: the request is invalid.
        """
        if self._protocol is None:
            raise NotConnectedError
        events = self._protocol.send(event, self._clock())
        if events:
            self._notify(events)
        if self._protocol.must_reconnect is not None:
            self._replace_link(self._protocol.must_reconnect)
        await self._flush()

    async def close(self) -> None:
        """End the session and the connection. Idempotent; safe to call from a listener.

        Returns when they have ended, also where another call is ending them.
        """
        if self._connection is None or self._run_task is None:
            if (
                asyncio.current_task() not in self._tasks
            ):  # A task that is being ended cannot wait for the end.
                await self._dismantled.wait()
            return
        if self._connection.state != "ended":
            self._connection.step("close", self._clock())
            self._notify(
                [
                    RealtimeModelConnectionStatusEvent("disconnected", "closed"),
                    RealtimeModelEndOfStreamEvent(),
                ]
            )
        await self._dismantle()

    async def _dismantle(self) -> None:
        link, self._link = self._link, None
        self._protocol = self._run_task = None
        if self._usable is not None and not self._usable.done():
            self._usable.set_exception(NotConnectedError())
        current = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not current and task.get_name() != _NOTIFYING]
        for task in tasks:
            task.cancel()
        try:
            if link is not None:
                await link.close()
            if tasks:
                await asyncio.wait(tasks)
            if self._all_notified.is_set():
                # So that no listener of the next session gets events of this one.
                await asyncio.wait([self._spawn(self._drain(), _NOTIFYING)], timeout=LISTENERS_WITHIN_S)
        finally:
            self._leave_listeners(current)
            self._dismantled.set()

    def _leave_listeners(self, current: asyncio.Task[None] | None) -> None:
        """Cancel the listeners that lag, but only some time after the end: they may still want to hear of it."""
        for task in self._tasks:
            if task is not current and task.get_name() == _NOTIFYING:
                later = asyncio.get_running_loop().call_later(LISTENERS_WITHIN_S, task.cancel)
                task.add_done_callback(lambda _ended, later=later: later.cancel())  # type: ignore[misc]  # a default binds it

    # The connection's life.

    async def _run(self) -> None:
        connection = self._connection
        assert connection is not None  # noqa: S101  # connect() made it
        while True:
            await self._until_allowed(connection)
            try:
                link = await self._open()
            except RealtimeLayerError as error:
                refused = getattr(error, "fatal", True) and not self._may_retry_key(error, connection)
                if refused or self._attempts_are_used_up(connection):
                    self._give_up(error)
                    return
                connection.step("failed", self._clock())
                await self._wait_to_retry(str(error))
                continue
            connection.step("opened", self._clock())
            self._adopt(link, self._history())
            reason = await self._until_gone()
            if (refusal := self._refusal(reason)) is not None:
                self._give_up(refusal)
                return
            if self._attempts_are_used_up(connection):
                self._give_up(ConnectFailedError(url_without_secrets(self._url), reason))
                return
            connection.step("lost", self._clock())
            await self._leave(reason)
            await self._wait_to_retry(reason)

    async def _until_allowed(self, connection: ConnectionState) -> None:
        """Wait until there is room for one more handshake, also where it is the first of this session."""
        handshakes = connection.handshakes
        while (wait_s := handshakes.try_take(self._clock())) > 0.0:
            most = handshakes.budget.most_per_minute
            reason = f"too many connections were made; at most {most:g} are made in a minute"
            _log.warning("%s: the next is made in %.1f s", reason, wait_s)
            self._report_wait(connection, reason, wait_s)
            await self._sleep(wait_s)

    def _may_retry_key(self, error: RealtimeLayerError, connection: ConnectionState) -> bool:
        """A conversation does not end because its key is being replaced: the function is asked again."""
        if not isinstance(error, ConnectFailedError) or error.status not in KEY_STATUSES:
            return False
        return self._begun and callable(self._options.get("api_key")) and connection.may_retry_key()

    def _attempts_are_used_up(self, connection: ConnectionState) -> bool:
        most = self._connect_attempts
        return not self._begun and most is not None and connection.backoff.failures + 1 >= most

    async def _until_gone(self) -> str:
        """Wait for the current link's end; a rotation makes another one current."""
        while True:
            link = self._link
            assert link is not None  # noqa: S101  # only _leave and _dismantle take it away
            reason = await link.gone
            if link is self._link:
                return reason

    async def _open(self) -> Link:
        connection = self._connection
        assert connection is not None  # noqa: S101  # set while there are tasks
        return await open_link(
            self._url,
            self._options,
            self._transport,
            self._clock,
            lambda: connection.handshakes.try_take(self._clock()) == 0.0,
        )

    def _adopt(
        self, link: Link, history: Sequence[RealtimeItem], first_frame: str | bytes | None = None
    ) -> None:
        """Use `link` from now on: send the settings and the conversation so far on it."""
        protocol = self._protocol
        assert protocol is not None  # noqa: S101  # set while there are tasks
        self._link = link
        self._notify(protocol.connected(history, self._clock()))
        self._spawn(self._read(link, first_frame), "realtime reader")
        self._spawn(self._announce_late(link), "realtime greeting")

    def _history(self) -> Sequence[RealtimeItem]:
        conversation = self._options.get("conversation")
        if conversation is None or not self._begun or "call_id" in self._options:
            return ()
        return conversation()

    async def _read(self, link: Link, first_frame: str | bytes | None) -> None:
        protocol = self._protocol
        assert protocol is not None  # noqa: S101  # set while there are tasks
        reason = "closed"
        try:
            await self._flush()
            if first_frame is not None and link is self._link:
                await self._take(link, protocol, first_frame)
            while link is self._link and protocol.must_reconnect is None:
                frame = await link.socket.recv()
                if link is not self._link:
                    break  # It was replaced meanwhile: what it says is not of the session that is used now.
                await self._take(link, protocol, frame)
            reason = protocol.must_reconnect or reason
        except ConnectionClosed as closed:
            reason = why_closed(closed, link.shown)
        except Exception as error:  # noqa: BLE001  # a bug here is handled like a lost connection; otherwise the speaker would stay deaf
            _log.exception("reading from the model failed")
            reason = f"internal error: {error}"
        finally:
            if not link.gone.done():
                link.gone.set_result(reason)

    async def _take(self, link: Link, protocol: RealtimeProtocol, frame: str | bytes) -> None:
        now = self._clock()
        events = protocol.receive(frame, now)
        for event in events:
            if event.__class__ is RealtimeModelErrorEvent and isinstance(event.error, SessionNotice):
                _log.warning("%s", event.error)
        self._events.extend(events)
        if not link.announced and protocol.is_ready:
            self._announce(link)
        if protocol.has_data_to_send:
            await self._flush()
        await self._drain()
        # Only now: while listeners lag, the socket is not read, and silence means nothing.
        after = self._clock()
        link.liveness.heard(after)
        if after - now >= TICK_S:
            self._judge_from = after + CAUGHT_UP_WITHIN_S

    def _announce(self, link: Link) -> None:
        link.announced = self._begun = True
        self._events.append(RealtimeModelConnectionStatusEvent("connected"))
        if self._usable is not None and not self._usable.done():
            self._usable.set_result(None)

    async def _announce_late(self, link: Link) -> None:
        await self._sleep(self._greeted_within_s)
        if link is self._link and not link.announced:
            self._announce(link)
            self._notify(())

    def _refusal(self, reason: str) -> ConnectRefusedError | None:
        protocol, link = self._protocol, self._link
        if protocol is None or link is None:
            return None
        code = link.socket.close_code
        if protocol.refusal is not None:
            slug = protocol.refusal.get("code") or protocol.refusal.get("type")
            message = link.shown(f"{protocol.refusal.get('message') or slug}")
            return ConnectRefusedError(url_without_secrets(self._url), message, status=code, code=f"{slug}")
        if is_fatal_close(code):
            return ConnectRefusedError(url_without_secrets(self._url), reason, status=code)
        return None

    async def _leave(self, reason: str) -> None:
        """The link is lost: report what ended with it, and let the listeners catch up."""
        link, self._link = self._link, None
        assert link is not None  # noqa: S101  # the caller waited for its end
        assert self._protocol is not None  # noqa: S101  # set while there are tasks
        _log.info("the connection to the model was lost: %s", reason)
        link.socket.transport.abort()
        self._notify(self._protocol.connection_lost())
        await asyncio.wait([self._spawn(self._drain(), _NOTIFYING)], timeout=LISTENERS_WITHIN_S)

    async def _wait_to_retry(self, reason: str) -> None:
        connection = self._connection
        assert connection is not None  # noqa: S101  # set while there are tasks
        delay = connection.retry_delay(self._clock())
        self._report_wait(connection, reason, delay)
        await self._sleep(delay)
        connection.step("retry", self._clock())

    def _report_wait(self, connection: ConnectionState, reason: str, delay: float) -> None:
        if self._begun or self._connect_attempts is None:
            self._notify(
                [
                    RealtimeModelConnectionStatusEvent(
                        "reconnecting", reason, attempt=connection.backoff.failures, retry_in_s=delay
                    )
                ]
            )

    def _give_up(self, error: Exception) -> None:
        connection = self._connection
        assert connection is not None  # noqa: S101  # set while there are tasks
        connection.step("refused", self._clock())
        if self._usable is not None and not self._usable.done():
            self._usable.set_exception(error)
            return
        self._notify(
            [
                RealtimeModelConnectionStatusEvent("disconnected", str(error), fatal=True),
                RealtimeModelExceptionEvent(error, "connecting to the model"),
                RealtimeModelEndOfStreamEvent(),
            ]
        )
        self._spawn(self._dismantle(), _NOTIFYING)

    # Time.

    async def _keep_time(self) -> None:
        while True:
            due = self._protocol is not None and self._protocol.awaits_server
            await self._sleep(TICK_WHILE_DUE_S if due else TICK_S)
            protocol, connection = self._protocol, self._connection
            if protocol is None or connection is None:
                return
            try:
                self._on_tick(protocol, connection)
            except Exception:  # noqa: BLE001  # a bug here must not stop the clock for months
                _log.exception("keeping time failed")

    def _on_tick(self, protocol: RealtimeProtocol, connection: ConnectionState) -> None:
        now = self._clock()
        if not self._all_notified.is_set() or now < self._judge_from:
            return  # The listeners lag: what is due may have come long ago, and was not read yet.
        if protocol.deadline is not None and now >= protocol.deadline:
            self._notify(protocol.tick(now))
            if protocol.must_reconnect is not None:
                self._replace_link(protocol.must_reconnect)
                return
            self._spawn(self._flush(), "realtime writer")
        if (link := self._link) is not None:
            self._look(link, protocol, now)
            if protocol.expires_at is not None and protocol.expires_at != link.expires_at:
                link.expires_at = protocol.expires_at
                connection.expires_in(protocol.expires_at - self._wall_clock(), now)
        if self._wants_rotation(protocol, connection) and connection.handshakes.try_take(now) == 0.0:
            # Beside the timer: a handshake takes its time, and the old session has its limits all the while.
            connection.step("rotate", now)
            self._spawn(self._rotate(protocol, connection), "realtime rotation")

    def _look(self, link: Link, protocol: RealtimeProtocol, now: float) -> None:
        """Send a ping where silence has to be looked into; give the connection up where no pong came."""
        if link.gone.done():
            return
        speaking = protocol.is_user_audio_sent(now) or link.writing.locked()
        match link.liveness.look(now, due=protocol.awaits_server, speaking=speaking):
            case "probe":
                self._spawn(self._probe(link), "realtime probe")
            case "lost":
                self._replace_link("nothing is received any more, not even the answer to a ping")

    async def _probe(self, link: Link) -> None:
        def answered(pong: asyncio.Future[float]) -> None:
            if not pong.cancelled() and pong.exception() is None:
                link.liveness.heard(self._clock())

        async with link.writing:  # Also for the ping to be seen as lost where the socket takes nothing.
            try:
                pong = await link.socket.ping()
            except ConnectionClosed:
                return  # The reader notices.
        pong.add_done_callback(answered)  # type: ignore[attr-defined]  # it is a future, typed as an awaitable

    def _replace_link(self, reason: str) -> None:
        """Have the current connection replaced, for that reason."""
        if self._link is not None and not self._link.gone.done():
            self._link.gone.set_result(reason)

    def _wants_rotation(self, protocol: RealtimeProtocol, connection: ConnectionState) -> bool:
        now = self._clock()
        return connection.wants_rotation(
            now, quiet=protocol.is_quiet(now), between_responses=protocol.is_between_responses()
        )

    async def _rotate(self, protocol: RealtimeProtocol, connection: ConnectionState) -> None:
        """Replace the session by a fresh one: open the new connection before the old one is closed."""
        old = self._link
        link, greeting = await self._fresh_link()
        if connection.state != "rotating" or self._link is not old:
            pass  # Lost or closed meanwhile, which is handled where it was noticed.
        elif link is None or not protocol.is_between_responses():
            connection.step("failed", self._clock())
        else:
            connection.step("opened", self._clock())
            self._notify(protocol.connection_lost())
            self._adopt(link, self._history(), greeting)
            link.announced = True
            if old is not None and not old.gone.done():
                old.gone.set_result("rotated")
            link = old
        if link is not None:
            await link.close()

    async def _fresh_link(self) -> tuple[Link | None, str | bytes | None]:
        """Open a second connection and wait for its first frame; `(None, None)` if that fails."""
        try:
            self._history()  # If it raises, it has to raise while the old session is still in use.
            link = await self._open()
        except Exception as error:  # noqa: BLE001  # whatever it is, the old session stays in use
            _log.info("the session could not be replaced yet: %s", error)
            return None, None
        greeting: str | bytes | None = None
        try:
            async with asyncio.timeout(self._greeted_within_s):
                greeting = await link.socket.recv()
        except TimeoutError:
            pass
        except ConnectionClosed as closed:
            _log.info("the session could not be replaced yet: %s", why_closed(closed, link.shown))
            return None, None
        except BaseException:
            link.socket.transport.abort()
            raise
        return link, greeting

    # Both ways.

    async def _flush(self) -> None:
        """Pass all frames to the socket, in order. A lost connection is noticed by the reader.

        Each is taken before it is sent, so none is sent twice or left out. A sender that is cancelled while the
        socket takes nothing has sent its frame: it is written by then.
        """
        while (link := self._link) is not None:
            await link.writing.acquire()  # `async with` makes two more coroutines, fifty times a second.
            try:
                while link is self._link:
                    frame = None if self._protocol is None else self._protocol.next_frame()
                    if frame is None:
                        return
                    try:
                        await link.socket.send(frame)
                    except ConnectionClosed:
                        return
                    except Exception as error:  # noqa: BLE001  # whatever it is, this frame would fail again
                        _log.exception("a frame could not be sent and is left out")
                        self._notify([RealtimeModelErrorEvent(error)])
            finally:
                link.writing.release()

    def _notify(self, events: Iterable[RealtimeModelEvent]) -> None:
        """Queue events, and have another task pass them to the listeners."""
        self._events.extend(events)
        if self._events and self._all_notified.is_set():
            self._spawn(self._drain(), _NOTIFYING)

    async def _drain(self) -> None:
        """Pass all queued events to the listeners, in order. One task at a time does so; others wait for it."""
        while not self._all_notified.is_set():
            await self._all_notified.wait()
        self._all_notified.clear()
        try:
            while self._events:
                event = self._events.popleft()
                for listener in self._listeners:
                    try:
                        await listener.on_event(event)
                    except asyncio.CancelledError:
                        # Of the task that runs this, or of something that the listener waited for.
                        if (task := asyncio.current_task()) is None or task.cancelling():
                            raise
                        _log.exception("a listener ended in a cancellation on %s", event.type)
                    except Exception:  # noqa: BLE001  # whatever it is, the other listeners get the event
                        _log.exception("a listener failed on %s", event.type)
        finally:
            self._all_notified.set()

    def _spawn(self, coroutine: object, name: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine, name=name)  # type: ignore[arg-type]  # coroutines of our own, all returning None
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        _log.error("the task %r of the model failed", task.get_name(), exc_info=error)
        if task is self._run_task and isinstance(error, Exception):
            self._give_up(error)


_NOTIFYING = "realtime events"
