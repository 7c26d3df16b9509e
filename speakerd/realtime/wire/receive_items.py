"""The handlers of `conversation.item.*`: what the server reports of the conversation's items.

Reports on a cut item are ignored: the server knows more of it than was heard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from speakerd.realtime import event_names as names
from speakerd.realtime.items import item_from_dict
from speakerd.realtime.model import (
    RealtimeModelItemDeletedEvent,
    RealtimeModelItemTruncatedEvent,
    RealtimeModelItemUpdatedEvent,
    RealtimeModelMcpApprovalRequestEvent,
)
from speakerd.realtime.wire.parsing import ServerEvent, count, index, mapping, text
from speakerd.realtime.wire.receive_hosted import hosted_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speakerd.realtime.wire.state import ServerEventHandler, WireState


def _item(state: WireState, event: ServerEvent, now: float) -> None:
    item = _with_our_ids(state, mapping(event.get("item")))
    state.resend.confirmed(item)
    if text(item, "id") in state.replayed:
        return
    if item.get("role") == "assistant" and not text(item, "id"):
        return  # Which one, the events of its response have told.
    if _is_a_turn(state, item):
        item = {**item, "id": state.turn_item_id}
    previous = state.item_ids.latest(text(event, "previous_item_id"))
    if previous and "previous_item_id" not in item:
        item = {**item, "previous_item_id": previous}
    if item.get("type") == "mcp_approval_request":
        emit_mcp_approval(state, item)
    elif item.get("type") in ("mcp_call", "mcp_list_tools"):
        hosted_item(state, item, "", now, done=event.get("type") == names.ITEM_DONE)
    elif item.get("type") != "function_call":
        emit_item(state, item)


def _with_our_ids(state: WireState, item: ServerEvent) -> ServerEvent:
    """Return the item under the ids that it and its call have on this side of the wire."""
    if item.get("role") != "user" and (item_id := text(item, "id")) and state.item_ids.is_ambiguous(item_id):
        item = {**item, "id": state.item_ids.latest(item_id)}
    if (call_id := text(item, "call_id")) and state.call_ids.is_ambiguous(call_id):
        item = {**item, "call_id": state.call_ids.latest(call_id)}
    return item


def _is_a_turn(state: WireState, item: ServerEvent) -> bool:
    """Whether it is the last turn of the user, under another id than it is known by here."""
    if state.dialect.one_id_per_turn or state.turn_item_id is None or item.get("role") != "user":
        return False
    return any(mapping(part).get("type") == "input_audio" for part in item.get("content") or ())


def _item_truncated(state: WireState, event: ServerEvent, _now: float) -> None:
    item_id = text(event, "item_id")
    if not (state.playback.is_cut(item_id) or state.item_ids.is_ambiguous(item_id)):
        state.playback.forget(item_id)
        state.emit(RealtimeModelItemTruncatedEvent(item_id, index(event), count(event, "audio_end_ms") or 0))


def _item_deleted(state: WireState, event: ServerEvent, _now: float) -> None:
    item_id = text(event, "item_id")
    if not (state.playback.is_cut(item_id) or state.item_ids.is_ambiguous(item_id)):
        state.emit(RealtimeModelItemDeletedEvent(item_id))


def emit_item(state: WireState, item: ServerEvent) -> None:
    """Report an item, unless it was cut or is of a kind that a history does not hold."""
    if item.get("type", "message") != "message" or state.playback.is_cut(text(item, "id")):
        return
    state.emit(RealtimeModelItemUpdatedEvent(item_from_dict(item)))


def emit_mcp_approval(state: WireState, item: ServerEvent, response_id: str = "") -> None:
    """Report a request to approve a hosted tool call, once; it is of the running response if none is named."""
    request_id = text(item, "id")
    if not response_id and state.responses.running is not None:
        response_id = state.responses.running.response_id
    if state.reported_calls.add(request_id):
        state.emit(
            RealtimeModelMcpApprovalRequestEvent(
                request_id,
                text(item, "server_label"),
                text(item, "name"),
                text(item, "arguments"),
                response_id or None,
            )
        )


HANDLERS: Final[Mapping[str, ServerEventHandler]] = {
    names.ITEM_ADDED: _item,
    names.ITEM_CREATED: _item,
    names.ITEM_DONE: _item,
    names.ITEM_RETRIEVED: _item,
    names.ITEM_TRUNCATED: _item_truncated,
    names.ITEM_DELETED: _item_deleted,
}
"""Part of the table in `receive`."""
