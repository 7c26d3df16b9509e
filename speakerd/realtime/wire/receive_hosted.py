"""The handlers of hosted MCP tools, which the model's server runs itself.

A call is an item of the type `mcp_call`. It begins when its arguments are complete, and often ends after its
response has; its output comes with the finished item. Servers may leave out any of these events: a call begins at
the first sign of it and ends once, with what is known of its output, within the limits of the table in `due`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from speakerd.realtime import event_names as names
from speakerd.realtime.errors import HostedToolsError
from speakerd.realtime.items import RealtimeToolCallItem
from speakerd.realtime.model import (
    RealtimeModelErrorEvent,
    RealtimeModelItemUpdatedEvent,
    RealtimeModelMcpCallEndedEvent,
    RealtimeModelMcpCallStartedEvent,
)
from speakerd.realtime.wire.due import DUE
from speakerd.realtime.wire.hosted_calls import HostedCall
from speakerd.realtime.wire.parsing import ServerEvent, mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speakerd.realtime.wire.due import Due
    from speakerd.realtime.wire.state import ServerEventHandler, WireState


def hosted_item(state: WireState, item: ServerEvent, response_id: str, now: float, *, done: bool) -> None:
    """Process an item of a hosted tool: a call, or a list of tools."""
    item_id = text(item, "id")
    label = text(item, "server_label")
    if item.get("type") == "mcp_list_tools":
        state.hosted.labels[item_id] = label or state.hosted.labels.get(item_id, "")
        if item.get("error"):
            _list_failed(state, item_id, item.get("error"))
        return
    call = _call(state, item_id)
    if call is None:
        return
    known = call.event
    call.event = replace(
        known,
        server_label=label or known.server_label,
        name=text(item, "name") or known.name,
        arguments=text(item, "arguments") or known.arguments,
        response_id=known.response_id or response_id or None,
    )
    output, error = item.get("output"), item.get("error")
    if output is not None or error is not None or (done and item.get("status") in ("completed", "failed")):
        _end(state, call, output, error, now)


def begin_calls_of(state: WireState, response_id: str, now: float) -> None:
    """The response has ended: what it called runs, although the server has not said so."""
    for call in list(state.hosted.running.values()):
        if call.event.response_id == response_id:
            _begin(state, call, now)


def hosted_calls_lost(state: WireState) -> None:
    """The connection is lost: no result of a hosted call will come."""
    for call in list(state.hosted.running.values()):
        _end(state, call, None, "the connection was lost while it ran", 0.0)


def hosted_call_overdue(state: WireState, call: HostedCall, now: float) -> None:
    """End a call whose end, or whose output after that, has not come in time."""
    late = None if call.over else f"it did not end within {DUE['hosted_call'].within_s:g} s"
    _end(state, call, None, late, now)


def _arguments_done(state: WireState, event: ServerEvent, now: float) -> None:
    if (call := _call(state, text(event, "item_id"))) is not None:
        call.event = replace(
            call.event,
            arguments=text(event, "arguments") or call.event.arguments,
            response_id=call.event.response_id
            or state.response_ids.latest(text(event, "response_id"))
            or None,
        )
        _begin(state, call, now)


def _in_progress(state: WireState, event: ServerEvent, now: float) -> None:
    if (call := _call(state, text(event, "item_id"))) is not None:
        _begin(state, call, now)
        _seen(call, now)


def _completed(state: WireState, event: ServerEvent, now: float) -> None:
    _over(state, event, now, failed=False)


def _failed(state: WireState, event: ServerEvent, now: float) -> None:
    _over(state, event, now, failed=True)


def _over(state: WireState, event: ServerEvent, now: float, *, failed: bool) -> None:
    """The call is over; its output comes with the item, after this."""
    call = _call(state, text(event, "item_id"))
    if call is not None:
        _begin(state, call, now)
        call.over, call.failed = True, failed
        _await(call, "hosted_output", now)


def _tools_failed(state: WireState, event: ServerEvent, _now: float) -> None:
    _list_failed(state, text(event, "item_id"), event.get("error"))


def _list_failed(state: WireState, item_id: str, error: object) -> None:
    if state.hosted.failed_lists.add(item_id):
        reason = text(mapping(error), "message") or (error if isinstance(error, str) else "")
        state.emit(RealtimeModelErrorEvent(HostedToolsError(state.hosted.labels.get(item_id, ""), reason)))


def _call(state: WireState, item_id: str) -> HostedCall | None:
    """Return the call of that item; a new one begins here, `None` if it has ended."""
    if item_id in state.hosted.ended or not item_id:
        return None
    if item_id not in state.hosted.running:
        state.hosted.running[item_id] = HostedCall(RealtimeModelMcpCallStartedEvent(item_id, "", "", ""))
    return state.hosted.running[item_id]


def _begin(state: WireState, call: HostedCall, now: float) -> None:
    if call.begun:
        return
    call.begun = True
    response_id = call.event.response_id
    call.response = state.responses.running if response_id is None else state.responses.active(response_id)
    _await(call, "hosted_call", now)
    if call.response is not None:
        call.event.response_id = call.event.response_id or call.response.response_id or None
        state.delivered(call.response)  # The tool runs: were it asked for again, it might run twice.
    _put(state, call.event, None)
    state.emit(call.event)


def _await(call: HostedCall, due: Due, now: float) -> None:
    """The call has to go on within that limit; its response may be silent for as long."""
    call.due_at = now + DUE[due].within_s
    if call.response is not None:
        call.response.hosted[call.event.item_id] = call.due_at
    _seen(call, now)


def _seen(call: HostedCall, now: float) -> None:
    if call.response is not None:
        call.response.seen(now)


def _end(state: WireState, call: HostedCall, output: object, error: object, now: float) -> None:
    _begin(state, call, now)
    started = call.event
    state.hosted.running.pop(started.item_id, None)
    state.hosted.ended.add(started.item_id)
    if call.response is not None:
        call.response.hosted.pop(started.item_id, None)
        _seen(call, now)
    problem = text(mapping(error), "message") or (error if isinstance(error, str) else "")
    if not problem and (call.failed or error is not None):
        problem = "the server gave no reason"
    result = output if isinstance(output, str) else ""
    told = f"The tool failed: {problem}" if problem else result
    _put(state, started, told)
    state.emit(
        RealtimeModelMcpCallEndedEvent(
            item_id=started.item_id,
            server_label=started.server_label,
            name=started.name,
            arguments=started.arguments,
            output=told,
            failed=bool(problem),
            response_id=started.response_id,
        )
    )


def _put(state: WireState, call: RealtimeModelMcpCallStartedEvent, output: str | None) -> None:
    state.emit(
        RealtimeModelItemUpdatedEvent(
            RealtimeToolCallItem(
                item_id=call.item_id,
                name=call.name,
                arguments=call.arguments or "{}",
                output=output,
                call_id=call.item_id,
                status="in_progress" if output is None else "completed",
            )
        )
    )


HANDLERS: Final[Mapping[str, ServerEventHandler]] = {
    names.MCP_ARGUMENTS_DONE: _arguments_done,
    names.MCP_CALL_IN_PROGRESS: _in_progress,
    names.MCP_CALL_COMPLETED: _completed,
    names.MCP_CALL_FAILED: _failed,
    names.MCP_TOOLS_FAILED: _tools_failed,
}
"""Part of the table in `receive`."""
