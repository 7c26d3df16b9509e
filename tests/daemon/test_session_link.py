"""When the daemon opens a session, and when it opens another."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from speakerd.daemon.session import SessionLink, UplinkQueue
from speakerd.dialogue.commands import SendText
from speakerd.dialogue.events import Connected, ConnectionLost
from speakerd.realtime.errors import ConnectFailedError, ConnectRefusedError, UserError
from speakerd.realtime.session.events import RealtimeConnection, RealtimeEventInfo
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest

    from speakerd.dialogue.events import Event
    from speakerd.realtime.run_context import RunContextWrapper
    from speakerd.realtime.session import RealtimeSession, RealtimeSessionEvent

INFO = RealtimeEventInfo(cast("RunContextWrapper[Any]", None))


def status(status: Any, reason: str | None = None, *, fatal: bool = False) -> RealtimeConnection:
    return RealtimeConnection(status=status, reason=reason, info=INFO, fatal=fatal)


class FakeSession:
    """A session whose events a test gives; None ends it, an exception fails it."""

    def __init__(self, *events: RealtimeSessionEvent | Exception | None) -> None:
        self.events: asyncio.Queue[RealtimeSessionEvent | Exception | None] = asyncio.Queue()
        for event in events:
            self.events.put_nowait(event)
        self.messages: list[str] = []
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[RealtimeSessionEvent]:
        while (event := await self.events.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    async def send_message(self, message: str) -> None:
        self.messages.append(message)

    async def close(self) -> None:
        self.closed = True


class Bench:
    """A link, and what it reports. Each opening takes the next of `openings`: a session, or an exception to raise."""

    def __init__(self, *openings: FakeSession | Exception | None) -> None:
        self.openings = list(openings)
        self.opened = 0
        self.facts: list[Event] = []
        self.on_failure: Callable[[str], None] = lambda _reason: None
        self.link = SessionLink(self._open, UplinkQueue(), on_fact=self.facts.append, on_event=self._ignore)

    async def _open(self, on_failure: Callable[[str], None]) -> RealtimeSession:
        self.opened += 1
        self.on_failure = on_failure
        opening = self.openings.pop(0)
        if opening is None:  # it takes for ever
            await asyncio.Event().wait()
        if isinstance(opening, Exception):
            raise opening
        return cast("RealtimeSession", opening)

    async def _ignore(self, _event: RealtimeSessionEvent) -> None: ...


@in_virtual_time
async def test_what_was_queued_leaves_once_the_session_says_that_it_is_connected() -> None:
    session = FakeSession(status("connecting"), status("reconnecting", "busy"))
    bench = Bench(session)
    bench.link.send(SendText("hello"))
    bench.link.connect()
    await asyncio.sleep(1)
    assert (bench.link.connected, bench.facts, session.messages) == (False, [], [])
    session.events.put_nowait(status("connected"))
    await asyncio.sleep(1)
    assert (bench.link.connected, bench.facts, session.messages) == (True, [Connected()], ["hello"])
    session.events.put_nowait(status("reconnecting", "the line broke"))
    await asyncio.sleep(1)
    bench.link.send(SendText("again"))
    await asyncio.sleep(1)
    assert not bench.link.connected
    assert bench.facts[1:] == [ConnectionLost("the line broke")]
    assert session.messages == ["hello"]
    await bench.link.close()
    assert session.closed


@in_virtual_time
async def test_what_could_not_be_reached_is_tried_again_after_a_while_and_at_a_wake_at_once() -> None:
    error = ConnectFailedError("ws://a", "no answer")
    bench = Bench(error, error, FakeSession(status("connected")))
    bench.link.connect()
    await asyncio.sleep(29)
    assert (bench.opened, bench.facts) == (1, [ConnectionLost(str(error))])
    await asyncio.sleep(2)
    assert bench.opened == 2
    bench.link.connect()
    await asyncio.sleep(1)
    assert bench.link.connected
    await bench.link.close()


@in_virtual_time
async def test_what_was_refused_is_tried_again_at_the_next_wake_only() -> None:
    error = ConnectRefusedError("ws://a", "wrong key")
    bench = Bench(error, FakeSession(status("connected")))
    bench.link.connect()
    await asyncio.sleep(600)
    assert bench.facts == [ConnectionLost(str(error), fatal=True)]
    assert bench.opened == 1
    bench.link.connect()
    await asyncio.sleep(1)
    assert bench.link.connected
    await bench.link.close()


@in_virtual_time
async def test_settings_that_cannot_be_are_told_as_they_are_and_not_as_a_fault_of_the_program(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = UserError("headers: the value of X-Key cannot be sent: it contains a line break at its end")
    bench = Bench(error, FakeSession(status("connected")))
    bench.link.connect()
    await asyncio.sleep(600)
    assert bench.facts == [ConnectionLost(str(error), fatal=True)]
    assert "Traceback" not in caplog.text
    await bench.link.close()


@in_virtual_time
async def test_a_session_that_ended_for_good_is_not_replaced_before_the_next_wake() -> None:
    refused = ConnectRefusedError("ws://a", "the quota is used up")
    ended = FakeSession(status("connected"), status("disconnected", "refused", fatal=True), refused)
    bench = Bench(ended, FakeSession(status("connected")))
    bench.link.connect()
    await asyncio.sleep(600)
    assert bench.facts == [Connected(), ConnectionLost(str(refused), fatal=True)]
    assert (bench.opened, ended.closed) == (1, True)
    bench.link.connect()
    await asyncio.sleep(1)
    assert bench.link.connected
    await bench.link.close()


@in_virtual_time
async def test_a_session_that_ended_by_a_fault_is_replaced_after_a_pause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(FakeSession(status("connected"), RuntimeError("a bug")), FakeSession(status("connected")))
    bench.link.connect()
    await asyncio.sleep(0.5)
    assert bench.facts == [Connected(), ConnectionLost("internal error: a bug")]
    assert bench.opened == 1
    await asyncio.sleep(1)
    assert (bench.opened, bench.link.connected) == (2, True)
    assert "the session failed" in caplog.text
    await bench.link.close()


@in_virtual_time
async def test_a_wake_waits_for_no_pause_between_attempts_and_disturbs_none_that_is_under_way() -> None:
    bench = Bench(None, FakeSession(status("connected")))
    bench.link.connect()
    await asyncio.sleep(1)
    bench.link.connect()
    await asyncio.sleep(1)
    assert bench.opened == 1
    bench.on_failure("no route to host")
    assert bench.facts == [ConnectionLost("no route to host")]
    bench.link.connect()
    await asyncio.sleep(1)
    assert (bench.opened, bench.link.connected) == (2, True)
    await bench.link.close()


@in_virtual_time
async def test_after_the_end_nothing_is_opened_any_more() -> None:
    bench = Bench(FakeSession(status("connected")))
    await bench.link.close()
    await bench.link.close()
    bench.link.connect()
    await asyncio.sleep(1)
    assert bench.opened == 0
