"""Hosted MCP tools, which the model's server runs: told like tools of the program, in the history, and spoken about."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from speakerd.realtime import (
    HostedMCPTool,
    HostedToolsError,
    RealtimeAgent,
    RealtimeAgentHooks,
    RealtimeToolCallItem,
    SessionNotice,
)
from speakerd.realtime.model.events import (
    RealtimeModelMcpApprovalRequestEvent,
    RealtimeModelMcpCallEndedEvent,
    RealtimeModelMcpCallStartedEvent,
)
from speakerd.realtime.model.inputs import RealtimeModelSendMcpApproval, RealtimeModelSendResponse
from speakerd.realtime.session.events import RealtimeAgentEndEvent, RealtimeToolEnd, RealtimeToolStart
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.wire.due import DUE
from tests.realtime.layer import call, ended, read_all, said, session_of, session_with, started
from tests.realtime.protocol_wire import MANUAL, Wire
from tests.realtime.recording_model import RecordingModel
from tests.realtime.tool_play import double


def item(**fields: Any) -> dict[str, Any]:
    return {
        "id": "mcp_1",
        "type": "mcp_call",
        "server_label": "shop",
        "name": "find",
        "arguments": '{"q": "tea"}',
    } | fields


OUTPUT = item(output="two kinds of tea")
BROKEN = item(error={"type": "http_error", "code": 500, "message": "the shop is shut"})
ADDED = s.output_item_added("resp_1", item(arguments=""))
ARGUMENTS = {
    "type": "response.mcp_call_arguments.done",
    "response_id": "resp_1",
    "item_id": "mcp_1",
    "output_index": 0,
    "arguments": '{"q": "tea"}',
}
IN_PROGRESS = {"type": "response.mcp_call.in_progress", "item_id": "mcp_1", "output_index": 0}
COMPLETED = {"type": "response.mcp_call.completed", "item_id": "mcp_1", "output_index": 0}
FAILED = {"type": "response.mcp_call.failed", "item_id": "mcp_1", "output_index": 0}
DONE = s.output_item_done("resp_1", OUTPUT)
ITEM_DONE = s.item_done(OUTPUT)
RESPONSE_DONE = s.response_done("resp_1")
WHOLE = [ADDED, ARGUMENTS, IN_PROGRESS, RESPONSE_DONE, COMPLETED, DONE, ITEM_DONE]


def test_a_response_may_be_silent_while_its_hosted_call_runs_and_no_longer() -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created("resp_1"), ADDED, ARGUMENTS)
    wire.pass_time(DUE["hosted_call"].within_s - 1.0)
    assert wire.protocol.must_reconnect is None
    assert wire.events("mcp_call_ended") == []
    wire.hear(COMPLETED, DONE)
    wire.pass_time(DUE["progress"].within_s - 0.1)
    assert wire.protocol.must_reconnect is None
    wire.pass_time(0.1)
    assert wire.protocol.must_reconnect is not None


@pytest.mark.parametrize("sign", [IN_PROGRESS, COMPLETED, FAILED])
def test_each_event_of_a_hosted_call_is_a_sign_of_its_response(sign: dict[str, Any]) -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created("resp_1"), ADDED)
    wire.pass_time(DUE["progress"].within_s - 1.0)
    wire.hear(sign)
    wire.pass_time(DUE["progress"].within_s - 1.0)
    assert wire.protocol.must_reconnect is None


def test_a_hosted_call_that_never_ends_is_ended_and_its_response_has_its_limit_after_that() -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created("resp_1"), ADDED, ARGUMENTS)
    wire.pass_time(DUE["hosted_call"].within_s)
    (end,) = wire.events("mcp_call_ended")
    assert end.failed
    assert wire.protocol.must_reconnect is None
    wire.pass_time(DUE["progress"].within_s)
    assert wire.protocol.must_reconnect is not None


@pytest.mark.parametrize("begun", [[ADDED, ARGUMENTS], [IN_PROGRESS], [ADDED, IN_PROGRESS, COMPLETED]])
def test_a_response_that_ran_a_hosted_tool_is_not_asked_for_again_after_a_loss(begun: list[Any]) -> None:
    wire = Wire(MANUAL)
    wire.ask(RealtimeModelSendResponse())
    wire.hear(s.response_created("resp_1"), *begun)
    assert wire.types().count("response.create") == 1
    wire.lose()
    wire.connect()
    assert "response.create" not in wire.types()


def test_a_call_is_told_when_it_begins_and_when_it_has_ended_and_is_in_the_history() -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created("resp_1"), *WHOLE)
    (begun,) = wire.events("mcp_call_started")
    assert begun == RealtimeModelMcpCallStartedEvent("mcp_1", "shop", "find", '{"q": "tea"}', "resp_1")
    (end,) = wire.events("mcp_call_ended")
    assert end == RealtimeModelMcpCallEndedEvent(
        "mcp_1", "shop", "find", '{"q": "tea"}', "two kinds of tea", failed=False, response_id="resp_1"
    )
    items = [event.item for event in wire.events("item_updated")]
    assert items[-1] == RealtimeToolCallItem(
        "mcp_1", "find", '{"q": "tea"}', "two kinds of tea", "mcp_1", status="completed"
    )


@pytest.mark.parametrize(
    "left_out", [set(c) for n in range(4) for c in itertools.combinations(range(len(WHOLE)), n)]
)
def test_whatever_a_server_leaves_out_the_call_begins_once_and_ends_once(left_out: set[int]) -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created("resp_1"))
    wire.hear(*(event for at, event in enumerate(WHOLE) if at not in left_out))
    wire.now += DUE["hosted_output"].within_s
    wire.tick()
    wire.now += DUE["hosted_call"].within_s
    wire.tick()
    known = [
        wire.told.index(each) for kind in ("mcp_call_started", "mcp_call_ended") for each in wire.events(kind)
    ]
    assert len(known) == 2
    assert known == sorted(known)
    (end,) = wire.events("mcp_call_ended")
    if not {5, 6} <= left_out:
        assert (end.output, end.failed) == ("two kinds of tea", False)
    elif 4 not in left_out:
        assert (end.output, end.failed) == ("", False)
    else:
        assert "did not end within 60 s" in end.output


@pytest.mark.parametrize(
    "order", list(itertools.permutations([FAILED, s.output_item_done("resp_1", BROKEN)]))
)
def test_a_failure_is_told_with_its_reason(order: Any) -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created("resp_1"), ADDED, ARGUMENTS, *order)
    (end,) = wire.events("mcp_call_ended")
    assert (end.output, end.failed) == ("The tool failed: the shop is shut", True)


def test_a_call_that_runs_when_the_connection_is_lost_has_ended_before_the_history_is_sent_again() -> None:
    wire = Wire(MANUAL, one_session=True)
    wire.hear(s.response_created("resp_1"), ADDED, ARGUMENTS, RESPONSE_DONE)
    wire.lose()
    (end,) = wire.events("mcp_call_ended")
    assert "the connection was lost while it ran" in end.output
    wire.connect()
    wire.hear(COMPLETED, DONE)
    assert len(wire.events("mcp_call_ended")) == 1


@pytest.mark.parametrize(
    "events",
    [
        [s.item_added({"id": "l1", "type": "mcp_list_tools", "server_label": "shop", "tools": []}),
         {"type": "mcp_list_tools.failed", "item_id": "l1"},
         {"type": "mcp_list_tools.failed", "item_id": "l1"}],
        [s.item_done({"id": "l1", "type": "mcp_list_tools", "server_label": "shop", "tools": [], "error": "401"}),
         {"type": "mcp_list_tools.failed", "item_id": "l1"}],
    ],
    ids=["by its event", "by its item"],
)  # fmt: skip
def test_a_list_of_tools_that_fails_is_told_once_with_the_servers_label(events: list[Any]) -> None:
    wire = Wire(MANUAL)
    wire.hear(*events)
    (error,) = wire.events("error")
    assert isinstance(error.error, HostedToolsError)
    assert isinstance(error.error, SessionNotice)
    assert error.error.server_label == "shop"
    assert "the tools of the MCP server shop could not be listed" in str(error.error)


def test_a_call_of_which_nothing_more_was_said_runs_when_its_response_has_ended() -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created("resp_1"), ADDED, RESPONSE_DONE)
    kinds = [event.type for event in wire.told if event.type in ("mcp_call_started", "turn_ended")]
    assert kinds == ["mcp_call_started", "turn_ended"]


# The session.

SHOP = HostedMCPTool({"server_label": "shop"})
BEGUN = RealtimeModelMcpCallStartedEvent("mcp_1", "shop", "find", "{}", "r1")
LATER = RealtimeModelMcpCallStartedEvent("mcp_2", "shop", "find", "{}", "r1")


def over(begun: RealtimeModelMcpCallStartedEvent, output: str = "tea") -> RealtimeModelMcpCallEndedEvent:
    return RealtimeModelMcpCallEndedEvent(
        begun.item_id, begun.server_label, begun.name, begun.arguments, output, response_id=begun.response_id
    )


APPROVED = RealtimeModelMcpCallStartedEvent("mcp_3", "shop", "find", "{}")
SPOKEN = said("There is", "a2")


@pytest.mark.parametrize(
    ("events", "asked"),
    [
        pytest.param([started(), BEGUN, ended(), over(BEGUN)], 1, id="it ends after the response"),
        pytest.param([started(), BEGUN, over(BEGUN), ended()], 1, id="it ends within it, and nothing is said"),
        pytest.param([started(), SPOKEN, BEGUN, over(BEGUN), ended()], 1, id="only a preamble is said"),
        pytest.param([started(), SPOKEN, BEGUN, ended(), over(BEGUN)], 1, id="a preamble, and it ends later"),
        pytest.param([started(), BEGUN, over(BEGUN), SPOKEN, ended()], 0, id="the server goes on by itself"),
        pytest.param([started(), BEGUN, LATER, over(BEGUN), ended(), over(LATER)], 1, id="two, one reply"),
        pytest.param([started(), BEGUN, ended(status="cancelled"), over(BEGUN)], 0, id="the user has interrupted"),
        pytest.param([APPROVED, over(APPROVED)], 1, id="it was approved, after its response"),
        pytest.param([started(), BEGUN, ended(), over(BEGUN), over(BEGUN)], 1, id="told twice"),
        pytest.param([started(), BEGUN, ended()], 0, id="it still runs"),
    ],
)  # fmt: skip
async def test_the_result_is_spoken_once(events: list[Any], asked: int) -> None:
    model = RecordingModel()
    async with await session_of(model, RealtimeAgent("T", tools=[SHOP])):
        await model.emit(*events)
    assert len(model.of(RealtimeModelSendResponse)) == asked


ASKS = RealtimeModelMcpApprovalRequestEvent("ask_1", "shop", "find", "{}", "r1")


@pytest.mark.parametrize("called", [BEGUN, ASKS], ids=["a call", "a request to approve one"])
async def test_the_end_of_a_response_counts_what_the_server_runs_itself_among_its_tool_calls(
    called: Any,
) -> None:
    model = RecordingModel()
    session = await session_with(model, RealtimeAgent("T", tools=[SHOP]))
    await model.emit(started(), called, ended())
    await session.close()
    (end,) = [event for event in await read_all(session) if isinstance(event, RealtimeAgentEndEvent)]
    assert end.tool_calls == 1


@pytest.mark.parametrize("ends_first", [True, False], ids=["its response has ended", "its response runs"])
@pytest.mark.parametrize(("approve", "asked"), [(True, 0), (False, 1)], ids=["approved", "refused"])
async def test_after_a_refusal_the_reply_is_asked_for_and_after_a_yes_the_tool_is_waited_for(
    approve: bool, asked: int, ends_first: bool
) -> None:
    model = RecordingModel()
    async with await session_of(model, RealtimeAgent("T", tools=[SHOP])) as session:
        await model.emit(started(), ASKS, *([ended()] if ends_first else []))
        if approve:
            await session.approve_tool_call("ask_1")
        else:
            await session.reject_tool_call("ask_1")
        await model.emit(*([] if ends_first else [ended()]))
    assert [answer.approve for answer in model.of(RealtimeModelSendMcpApproval)] == [approve]
    assert len(model.of(RealtimeModelSendResponse)) == asked


async def test_with_a_tool_of_the_program_in_the_same_response_there_is_one_reply() -> None:
    model = RecordingModel()
    async with await session_of(model, RealtimeAgent("T", tools=[SHOP, double])):
        await model.emit(started(), BEGUN, call("double", '{"number": 2}', response="r1"), ended())
        await model.outputs()
        await model.emit(over(BEGUN))
    outputs = [event for event in model.sent if getattr(event, "start_response", False)]
    assert len(outputs) + len(model.of(RealtimeModelSendResponse)) == 1


class Told(RealtimeAgentHooks[Any]):
    def __init__(self) -> None:
        self.told: list[Any] = []

    async def on_tool_start(self, _context: Any, _agent: Any, tool: Any) -> None:
        self.told.append(("start", tool))

    async def on_tool_end(self, _context: Any, _agent: Any, tool: Any, result: Any) -> None:
        self.told.append(("end", tool, result))


async def test_the_program_gets_the_events_and_hooks_of_a_tool() -> None:
    model, hooks = RecordingModel(), Told()
    session = await session_with(model, RealtimeAgent("T", tools=[SHOP], hooks=hooks))
    await model.emit(started(), BEGUN, ended(), over(BEGUN))
    while len(hooks.told) < 2:
        await asyncio.sleep(0)
    await session.close()
    events = await read_all(session)
    (start,) = [event for event in events if isinstance(event, RealtimeToolStart)]
    (end,) = [event for event in events if isinstance(event, RealtimeToolEnd)]
    assert (start.tool, start.call_id, start.arguments) == (SHOP, "mcp_1", "{}")
    assert (end.tool, end.call_id, end.output) == (SHOP, "mcp_1", "tea")
    assert hooks.told == [("start", SHOP), ("end", SHOP, "tea")]
    assert end.to_dict()["tool"] == "shop"


async def test_an_approval_is_answered_on_the_wire_too() -> None:
    wire = Wire(MANUAL)
    wire.hear(
        s.output_item_done("resp_1", {"id": "m1", "type": "mcp_approval_request", "server_label": "shop"})
    )
    (request,) = wire.events("mcp_approval_request")
    assert request.response_id == "resp_1"
    wire.types()
    wire.ask(RealtimeModelSendMcpApproval("m1", approve=True))
    assert wire.types() == ["conversation.item.create"]
