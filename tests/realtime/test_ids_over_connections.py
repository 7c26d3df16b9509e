"""A server that numbers its responses, items and calls anew in each session: all of the new one is taken as new."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from speakerd.realtime import RealtimeAgent, function_tool
from speakerd.realtime.items import (
    AssistantMessageItem,
    AssistantText,
    InputText,
    RealtimeToolCallItem,
    UserMessageItem,
)
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Call, Drop, Expect
from speakerd.realtime.wire.due import DUE
from tests.limits import limit
from tests.realtime.protocol_wire import MANUAL, Wire, speaking
from tests.realtime.serving import opened, serving


def lost_and_again(wire: Wire, history: Any = ()) -> None:
    wire.lose()
    wire.types()
    wire.told.clear()
    wire.connect(history)


def call_events(call_id: str = "call_1", response_id: str = "resp_1") -> list[dict[str, Any]]:
    return s.call_response(response_id, call_id=call_id, item_id="item_1")


def test_a_response_of_the_same_number_begins_is_heard_and_ends() -> None:
    wire = Wire(MANUAL)
    wire.hear(*s.spoken_response("resp_1", "item_1"))
    lost_and_again(wire)
    wire.ask(i.RealtimeModelSendResponse())
    wire.hear(*s.spoken_response("resp_1", "item_1"))
    (begun,), (ended,) = wire.events("turn_started"), wire.events("turn_ended")
    assert begun.response_id == ended.response_id != "resp_1"
    assert {event.response_id for event in wire.events("audio")} == {begun.response_id}
    wire.pass_time(DUE["created"].within_s + DUE["progress"].within_s)
    assert wire.protocol.must_reconnect is None


def test_of_an_item_that_was_cut_the_namesake_is_heard_and_counted_by_itself() -> None:
    wire = Wire(MANUAL)
    wire.hear(*speaking("resp_1", "item_1"))
    wire.play("item_1", 300)
    wire.ask(i.RealtimeModelSendInterrupt())
    lost_and_again(wire)
    wire.hear(*speaking("resp_1", "item_1"))
    audio = wire.events("audio")
    assert audio
    wire.play(audio[0].item_id, 100)
    wire.ask(i.RealtimeModelSendInterrupt())
    (cut,) = wire.events("item_truncated")
    assert (cut.item_id, cut.audio_end_ms) == (audio[0].item_id, 100)


def test_what_is_cut_or_cancelled_of_the_new_session_stays_so_to_its_end() -> None:
    wire = Wire(MANUAL)
    wire.hear(*s.spoken_response("resp_1", "item_1"))
    lost_and_again(wire)
    wire.hear(*speaking("resp_1", "item_1"))
    heard = len(wire.events("audio"))
    wire.play(wire.events("audio")[0].item_id, 100)
    wire.types()
    wire.ask(i.RealtimeModelSendInterrupt())
    cancel, truncate = wire.sent
    assert (cancel["type"], cancel["response_id"]) == ("response.cancel", "resp_1")
    assert (truncate["type"], truncate["item_id"]) == ("conversation.item.truncate", "item_1")
    wire.hear(*s.spoken_deltas("resp_1", "item_1", "too late", 500))
    wire.hear(s.response_done("resp_1", status="cancelled"))
    wire.hear(*s.spoken_deltas("resp_1", "item_1", "much too late", 500))
    wire.hear(s.response_done("resp_1", status="cancelled"))
    assert len(wire.events("audio")) == heard
    assert len(wire.events("turn_started")) == len(wire.events("turn_ended")) == 1


def test_a_call_of_the_same_number_is_reported_and_each_is_answered_by_its_own_name() -> None:
    wire = Wire(MANUAL)
    wire.hear(*call_events())
    (first,) = wire.events("function_call")
    lost_and_again(wire)
    wire.hear(*call_events())
    (second,) = wire.events("function_call")
    assert first.call_id != second.call_id
    wire.ask(i.RealtimeModelSendToolOutput(second, "new"), i.RealtimeModelSendToolOutput(first, "old"))
    outputs = [event["item"] for event in wire.sent if event["type"] == "conversation.item.create"]
    assert [(item["call_id"], item["output"]) for item in outputs] == [("call_1", "new"), ("call_1", "old")]
    items = {event.item.item_id: event.item.output for event in wire.events("item_updated")}
    assert sorted(items.values()) == ["new", "old"]  # two items, not one that was overwritten


def test_a_call_that_is_answered_two_sessions_later_is_sent_and_answered_under_one_name() -> None:
    wire = Wire(MANUAL)
    wire.hear(*call_events())
    lost_and_again(wire)
    wire.hear(*call_events())
    (second,) = wire.events("function_call")
    known = [event.item for event in wire.events("item_updated")]
    lost_and_again(wire, known)
    wire.ask(i.RealtimeModelSendToolOutput(second, "at last"))
    items = [event["item"] for event in wire.sent if event["type"] == "conversation.item.create"]
    assert [item["type"] for item in items] == ["function_call", "function_call_output"]
    assert len({item["call_id"] for item in items}) == 1


def test_within_one_session_a_call_that_its_response_repeats_is_still_reported_once() -> None:
    wire = Wire(MANUAL)
    wire.hear(*call_events())
    lost_and_again(wire)
    wire.hear(*call_events(), *call_events())
    assert len(wire.events("function_call")) == 1


def test_a_hosted_call_and_a_request_for_approval_of_the_same_number_are_new_ones() -> None:
    call = {"id": "mcp_1", "type": "mcp_call", "server_label": "shop", "name": "find", "arguments": "{}"}
    asks = {**call, "id": "mcpr_1", "type": "mcp_approval_request"}
    wire = Wire(MANUAL)
    for _ in range(2):
        wire.hear(
            s.response_created("resp_1"),
            s.output_item_done("resp_1", {**call, "output": "tea"}),
            s.output_item_done("resp_1", asks),
            s.response_done("resp_1"),
        )
        assert [event.output for event in wire.events("mcp_call_ended")] == ["tea"]
        (request,) = wire.events("mcp_approval_request")
        wire.types()
        wire.ask(i.RealtimeModelSendMcpApproval(request.approval_request_id, approve=True))
        assert wire.sent[-1]["item"]["approval_request_id"] == "mcpr_1"
        lost_and_again(wire)


def test_what_was_sent_again_is_confirmed_and_a_new_item_of_that_name_is_told() -> None:
    history = [
        UserMessageItem("u1", [InputText("Hi")]),
        AssistantMessageItem("item_1", [AssistantText("Ho")]),
    ]
    wire = Wire(MANUAL)
    wire.hear(*s.spoken_response("resp_1", "item_1"))
    lost_and_again(wire, history)
    for event in list(wire.sent):
        if event["type"] == "conversation.item.create":
            wire.hear(s.item_added(event["item"]), s.item_done(event["item"]))
    assert wire.events("item_updated") == []
    wire.hear(*s.spoken_response("resp_1", "item_1"))
    told = {event.item.item_id for event in wire.events("item_updated")}
    assert len(told) == 1
    assert "item_1" not in told


def test_what_the_user_said_under_the_same_number_is_another_turn() -> None:
    wire, turns = Wire(), []
    for _ in range(2):
        wire.ask(i.RealtimeModelSendAudio(b"\1\0" * 4800))
        wire.hear(s.speech_started("u1"), s.speech_stopped("u1"), *s.committed("u1"))
        wire.hear(*s.spoken_response("resp_1", "item_1"))
        turns.append(wire.events("input_audio_committed")[0].item_id)
        assert {event.item_id for event in wire.events("speech_started")} == {turns[-1]}
        lost_and_again(wire)
    assert turns[0] == "u1" != turns[1]


def test_in_a_running_call_which_outlives_a_connection_a_number_means_the_same() -> None:
    wire = Wire(MANUAL, one_session=True)
    wire.hear(*call_events())
    lost_and_again(wire)
    wire.hear(*call_events())
    assert wire.events("function_call") == wire.events("turn_started") == []


@pytest.mark.parametrize(
    "odd", [{"item_id": 7}, {"item": [1]}, {"response": {"output": [None, 3]}}, {"item": {}}]
)
def test_ids_that_are_none_are_left_to_the_reading(odd: dict[str, Any]) -> None:
    wire = Wire(MANUAL)
    lost_and_again(wire)
    wire.hear({"type": "response.output_item.added", "response_id": "resp_1", **odd})
    assert wire.events("error") == []


async def test_a_tool_that_outlasts_the_session_and_its_namesake_of_the_next_are_both_answered() -> None:
    release = asyncio.Event()
    begun: list[int] = []

    @function_tool
    async def look(number: int) -> str:
        """Look it up."""
        begun.append(number)
        if number == 1:
            await release.wait()
        return f"found {number}"

    def calls(number: int) -> list[Any]:
        arguments = f'{{"number": {number}}}'
        return s.call_response("resp_1", "look", arguments, call_id="call_1", item_id="item_1")

    def gives(output: str) -> Expect:
        return Expect("conversation.item.create", lambda event: event["item"].get("output") == output)

    first = [Expect("response.create"), *calls(1), Drop()]
    second = [
        Expect("response.create"),
        *calls(2),
        gives("found 2"),
        Call(release.set),
        gives("found 1"),
        *s.spoken_response("resp_2", "item_2", "Both."),
    ]
    async with (
        serving(first, second) as server,
        await opened(server, RealtimeAgent("A", tools=[look]), raw_events=False) as session,
    ):
        await session.send_message("One")
        connections = 0
        async with asyncio.timeout(limit(5)):
            async for event in session:
                if event.type == "connection" and event.status == "connected":
                    connections += 1
                    if connections == 2:
                        await session.send_message("Two")
                elif event.type == "agent_end" and event.had_audio:
                    break
        assert begun == [1, 2]
        calls_of = [item for item in session.history if isinstance(item, RealtimeToolCallItem)]
        assert [item.output for item in calls_of] == ["found 1", "found 2"]
