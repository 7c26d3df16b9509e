"""The handlers of `response.*`, from `response.created` over its audio to `response.done`.

Events of a cancelled response and of a cut item are dropped by id, however late they arrive. An event that names no
response belongs to the one that runs; one that names an unknown response begins it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from speakerd.realtime import event_names as names
from speakerd.realtime.errors import ModelBehaviorError
from speakerd.realtime.model import (
    RealtimeModelAudioDoneEvent,
    RealtimeModelAudioEvent,
    RealtimeModelErrorEvent,
    RealtimeModelOutputTextDeltaEvent,
    RealtimeModelToolCallEvent,
    RealtimeModelTranscriptDeltaEvent,
    RealtimeModelTranscriptDoneEvent,
    RealtimeModelTurnEndedEvent,
    RealtimeModelTurnStartedEvent,
    RealtimeModelUsageEvent,
)
from speakerd.realtime.wire.codec import load_base64
from speakerd.realtime.wire.parsing import ServerEvent, count, index, mapping, text, usage_from_wire
from speakerd.realtime.wire.receive_hosted import begin_calls_of, hosted_item
from speakerd.realtime.wire.receive_items import emit_item, emit_mcp_approval
from speakerd.realtime.wire.response import ActiveResponse

if TYPE_CHECKING:
    from speakerd.realtime.model import ErrorSubject
    from speakerd.realtime.wire.state import ServerEventHandler, WireState

_STATUSES = ("completed", "cancelled", "failed", "incomplete")


def _response_created(state: WireState, event: ServerEvent, now: float) -> None:
    response = mapping(event.get("response"))
    response_id = text(response, "id")
    # One that has ended is told once more, or its id is used again for the one that is awaited.
    if not _has_ended(state, response_id) or state.responses.awaits_beginning:
        _begin(state, response_id, response, now)


def _has_ended(state: WireState, response_id: str) -> bool:
    """Return whether what the server calls so has ended on this connection."""
    ours = state.response_ids.newest.get(response_id)
    return ours is not None and state.responses.has_ended(ours)


def _begin(state: WireState, response_id: str, data: ServerEvent, now: float) -> ActiveResponse:
    """Return the response that the server calls so, if it runs; another one begins here."""
    known = state.responses.active(state.response_ids.latest(response_id))
    if known is not None:
        return known
    if response_id:
        response_id = state.response_ids.begin(response_id)
    superseded = state.responses.running
    conversation = data["conversation_id"] is not None if "conversation_id" in data else None
    metadata = data.get("metadata") if isinstance(data.get("metadata"), Mapping) else None
    response, actions = state.responses.created(
        response_id, now, conversation=conversation, metadata=metadata
    )
    if superseded is not None and state.responses.active(superseded.response_id) is None:
        emit_turn_ended(state, superseded, {"status_details": {"reason": "superseded"}})
    if not response.out_of_band:
        state.user_speaks = False
        state.audio_due.pop("item_of_speech", None)
        if not state.dialect.says_committed:
            state.resend.commit()
        state.resend.seal()
    state.conversation_taken()
    state.perform(actions)
    if state.set_up_refused is not None and not response.cancelled:
        # The server begins it by itself: another assistant than the one that was asked for.
        state.perform(state.responses.cancel(now, response_id))
    state.emit(
        RealtimeModelTurnStartedEvent(
            response_id or None, out_of_band=response.out_of_band, metadata=response.metadata
        )
    )
    return response


def _response_done(state: WireState, event: ServerEvent, now: float) -> None:
    response = mapping(event.get("response"))
    running = state.responses.running
    theirs = text(response, "id")
    response_id = state.response_ids.latest(theirs)
    unknown = state.responses.active(response_id) is None and not state.responses.has_ended(response_id)
    if running is not None and (not theirs or (unknown and not state.responses.awaits_beginning)):
        response_id = running.response_id  # Under a wrong name: nothing else could have ended.
    elif unknown:
        response_id = _begin(state, theirs, response, now).response_id
    end_response(state, response_id, response, now)


def end_response(state: WireState, response_id: str, data: ServerEvent, now: float) -> None:
    """Process the end of a response, described by `data` (its `response` object); the next one gets its turn."""
    if not state.responses.has_ended(response_id):
        _begin(state, response_id, data, now)
    response, actions = state.responses.done(response_id, now)
    if response is None:
        return
    output = [
        _named(state, item, response, place)
        for place, item in enumerate(data.get("output") or ())
        if isinstance(item, Mapping)
    ]
    if response.cancelled and not response.out_of_band:
        _remove_unheard(state, response, output)
    elif data.get("status") in (None, "completed"):
        for item in output:
            if item.get("type") == "function_call":
                _call_complete(state, item, response)
            elif item.get("type") == "mcp_call":
                hosted_item(state, item, response.response_id, now, done=False)
            elif item.get("type") == "mcp_approval_request":
                emit_mcp_approval(state, item, response.response_id)
        _calls_left(state, response)
    if not response.cancelled:
        begin_calls_of(state, response.response_id, now)
    for item_id in response.items:
        state.playback.finish_item(item_id)
        state.calls.pop(item_id, None)
    if not response.out_of_band and not response.cancelled and state.responses.running is None:
        state.resend.answered()
    emit_turn_ended(state, response, data)
    state.update_session(now)
    state.perform(actions)


def emit_turn_ended(state: WireState, response: ActiveResponse, data: ServerEvent) -> None:
    """Report the end of a response, described by `data` (its `response` object)."""
    usage = usage_from_wire(data.get("usage"))
    if usage is not None:
        state.emit(RealtimeModelUsageEvent(usage, response.response_id or None))
    details = mapping(data.get("status_details"))
    failure = mapping(details.get("error"))
    status = data.get("status")
    if status == "failed" and failure:
        about: ErrorSubject = "aside" if response.out_of_band else "response"
        state.emit(RealtimeModelErrorEvent(dict(failure), about=about))
    reason = details.get("reason") or failure.get("code") or failure.get("type")
    state.emit(
        RealtimeModelTurnEndedEvent(
            response.response_id or None,
            status=status if status in _STATUSES else None,
            reason=reason if isinstance(reason, str) else None,
            had_audio=response.had_audio,
            out_of_band=response.out_of_band,
            metadata=response.metadata,
            output_text=_output_text(data) or response.text,
        )
    )


def _remove_unheard(state: WireState, response: ActiveResponse, output: list[ServerEvent]) -> None:
    """Remove the items that a response produced after it was cancelled: they were never heard."""
    spoken = {text(item, "id") for item in output if item.get("type") == "message" and _is_spoken(item)}
    for item_id in [*response.cut, *(spoken - response.items.keys())]:
        if item_id and not state.playback.is_cut(item_id):
            state.remove_item(item_id)


def _is_spoken(item: ServerEvent) -> bool:
    content = item.get("content")
    return isinstance(content, list) and any(
        isinstance(part, Mapping) and part.get("type") in ("audio", "output_audio") for part in content
    )


def _output_item_added(state: WireState, event: ServerEvent, now: float) -> None:
    response = _response_of(state, event, now)
    item = _named(state, mapping(event.get("item")), response, _place(event))
    item_id = text(item, "id")
    if item.get("type") == "function_call":
        state.calls[item_id] = _call(state, item, response)
        response.put_out(item_id)
    elif item.get("type") in ("mcp_call", "mcp_list_tools"):
        hosted_item(state, item, response.response_id, now, done=False)
    elif item.get("type") == "message":
        response.put_out(item_id)
        if not response.cancelled and not response.out_of_band:
            emit_item(state, {"status": "in_progress", **item})


def _output_item_done(state: WireState, event: ServerEvent, now: float) -> None:
    response = _response_of(state, event, now)
    item = _named(state, mapping(event.get("item")), response, _place(event))
    kind = item.get("type")
    state.playback.finish_item(text(item, "id"))
    if kind in ("mcp_call", "mcp_list_tools"):
        # Also of a cancelled response: the server may have run it all the same.
        hosted_item(state, item, response.response_id, now, done=True)
    if response.cancelled:
        return
    if kind == "function_call" and item.get("status") in (None, "completed"):
        _call_complete(state, item, response)
    elif kind == "mcp_approval_request":
        emit_mcp_approval(state, item, response.response_id)
    elif kind == "message":
        _note_said(response, item)
        if not response.out_of_band:
            emit_item(state, item)


def _note_said(response: ActiveResponse, item: ServerEvent) -> None:
    """Keep what a finished message says, as far as nothing of it came before."""
    item_id = text(item, "id")
    if not any(known == item_id for known, _ in response.said):
        for part, said in enumerate(_texts(item)):
            response.add_text(item_id, part, said)


def _content_part_added(state: WireState, event: ServerEvent, now: float) -> None:
    response = _response_of(state, event, now)
    part = mapping(event.get("part"))
    if part.get("type") in ("audio", "output_audio"):
        _announce(state, event, response)


def _audio_delta(state: WireState, event: ServerEvent, now: float) -> None:
    """The hot path: ten to fifty times a second, a few kilobytes each."""
    response = _response_of(state, event, now)
    item_id = response.item_ids.get(text(event, "item_id")) or _item_id(state, response, event)
    content_index = event.get("content_index", 0)
    if type(content_index) is not int:
        content_index = index(event)
    if response.cancelled or state.playback.is_cut(item_id):
        _announce(state, event, response)
        return
    audio = load_base64(event["delta"])
    if not audio:
        return
    response.put_out(item_id)
    aside = response.out_of_band
    state.playback.receive(item_id, content_index, len(audio), now, response.response_id, aside=aside)
    if not response.had_audio:
        response.had_audio = state.has_audio = True
        state.delivered(response)
    state.events.append(RealtimeModelAudioEvent(audio, response.response_id, item_id, content_index))


def _audio_done(state: WireState, event: ServerEvent, now: float) -> None:
    response = _response_of(state, event, now)
    item_id, content_index = _item_id(state, response, event), index(event)
    state.playback.finish(item_id, content_index)
    if not response.cancelled and not state.playback.is_cut(item_id):
        state.emit(RealtimeModelAudioDoneEvent(item_id, content_index))


def _transcript_delta(state: WireState, event: ServerEvent, now: float) -> None:
    response = _response_of(state, event, now)
    delta = text(event, "delta")
    if _announce(state, event, response) or not delta:
        return
    item_id = _item_id(state, response, event)
    response.add_text(item_id, index(event), delta)
    if response.out_of_band:
        return  # It is reported at its end: it is not part of the conversation.
    state.emit(RealtimeModelTranscriptDeltaEvent(item_id, delta, response.response_id, index(event)))


def _transcript_done(state: WireState, event: ServerEvent, now: float) -> None:
    response = _response_of(state, event, now)
    item_id = _item_id(state, response, event)
    if not (response.cancelled or response.out_of_band or state.playback.is_cut(item_id)):
        state.emit(
            RealtimeModelTranscriptDoneEvent(
                item_id, text(event, "transcript"), response.response_id, index(event)
            )
        )


def _text_delta(state: WireState, event: ServerEvent, now: float) -> None:
    response = _response_of(state, event, now)
    delta = text(event, "delta")
    if response.cancelled or not delta:
        return
    state.delivered(response)
    item_id = _item_id(state, response, event)
    response.add_text(item_id, index(event), delta)
    if response.out_of_band:
        return
    state.emit(RealtimeModelOutputTextDeltaEvent(item_id, delta, response.response_id, index(event)))


def _text_done(state: WireState, event: ServerEvent, now: float) -> None:
    """The whole text: new to those who got no deltas of it."""
    response = _response_of(state, event, now)
    if (_item_id(state, response, event), index(event)) not in response.said:
        _text_delta(state, {**event, "delta": event.get("text")}, now)


def _arguments_done(state: WireState, event: ServerEvent, now: float) -> None:
    """The arguments are complete; the call is reported with its item, or at the response's end."""
    response = _response_of(state, event, now)
    item_id = _item_id(state, response, event)
    begun = state.calls.get(item_id)
    response.put_out(item_id)
    state.calls[item_id] = RealtimeModelToolCallEvent(
        name=text(event, "name") or (begun.name if begun else ""),
        call_id=state.call_ids.of(response.call_ids, text(event, "call_id"), item_id),
        arguments=text(event, "arguments"),
        id=item_id,
        response_id=response.response_id or None,
    )


def _item_id(state: WireState, response: ActiveResponse, event: ServerEvent) -> str:
    """Return the id, on this side, of the response's item that an event is about."""
    return state.item_ids.of(response.item_ids, text(event, "item_id"), _place(event))


def _place(event: ServerEvent) -> int:
    return count(event, "output_index") or 0


def _named(state: WireState, item: ServerEvent, response: ActiveResponse, place: int) -> ServerEvent:
    """Return an item of a response under the id that it has on this side. Hosted tools' ids are the server's."""
    if text(item, "type").startswith("mcp_"):
        return item
    theirs = text(item, "id")
    item_id = state.item_ids.of(response.item_ids, theirs, place)
    return item if item_id == theirs else {**item, "id": item_id}


def _response_of(state: WireState, event: ServerEvent, now: float) -> ActiveResponse:
    """Return the response that an event belongs to: the running one where the server names none.

    For one that has ended, a stand-in says whether it had been cancelled.
    """
    response_id = event.get("response_id")
    active: ActiveResponse | None
    if isinstance(response_id, str):
        active = state.responses.active(state.response_ids.latest(response_id))
    else:
        active, response_id = state.responses.running, None
    if active is not None:
        active.seen(now)
        return active
    ours = state.response_ids.latest(response_id or "")
    if response_id is not None and state.responses.has_ended(ours):
        return ActiveResponse(
            ours,
            ended=True,
            cancelled=state.responses.is_cancelled(ours),
            item_ids=state.item_ids.newest,
            call_ids=state.call_ids.newest,
        )
    return _begin(state, response_id or "", {}, now)


def _announce(state: WireState, event: ServerEvent, response: ActiveResponse) -> bool:
    """A part with audio is on its way. Return whether it is to be dropped."""
    item_id = _item_id(state, response, event)
    if state.playback.is_cut(item_id):
        return True
    if response.cancelled:
        response.put_out(item_id, cut=True)
        return True
    response.put_out(item_id)
    state.playback.announce(item_id, index(event), response.response_id, aside=response.out_of_band)
    return False


def _call(state: WireState, item: ServerEvent, response: ActiveResponse) -> RealtimeModelToolCallEvent:
    return RealtimeModelToolCallEvent(
        name=text(item, "name"),
        call_id=state.call_ids.of(response.call_ids, text(item, "call_id"), text(item, "id")),
        arguments=text(item, "arguments"),
        id=text(item, "id") or None,
        response_id=response.response_id or None,
    )


def _call_complete(state: WireState, item: ServerEvent, response: ActiveResponse) -> None:
    state.calls.pop(text(item, "id"), None)
    _emit_call(state, _call(state, item, response), response)


def _calls_left(state: WireState, response: ActiveResponse) -> None:
    """Report calls whose item never came: some servers send only the arguments."""
    for item_id in response.items:
        call = state.calls.pop(item_id, None)
        if call is not None and call.arguments:
            _emit_call(state, call, response)


def _emit_call(state: WireState, call: RealtimeModelToolCallEvent, response: ActiveResponse) -> None:
    if not state.reported_calls.add(call.call_id):
        return
    if response.ended:
        _refuse_late(state, call)
        return
    state.open_calls.add(call.call_id)
    state.delivered(response)
    if not response.out_of_band:
        state.report_call(call)
    state.emit(call)


def _refuse_late(state: WireState, call: RealtimeModelToolCallEvent) -> None:
    """Answer a call that came after its response: nobody waits for its result, and a reply would be paid."""
    state.answer_call(call, "Not run: the call came after the end of its response.")
    error = f"The server sent the call of {call.name} after the end of its response; it is not run"
    state.emit(RealtimeModelErrorEvent(ModelBehaviorError(error)))


def _output_text(data: ServerEvent) -> str:
    return " ".join(said for item in data.get("output") or () for said in _texts(mapping(item)))


def _texts(item: ServerEvent) -> list[str]:
    parts = [mapping(part) for part in item.get("content") or ()]
    return [said for part in parts if (said := text(part, "text") or text(part, "transcript"))]


HANDLERS: Final[Mapping[str, ServerEventHandler]] = {
    names.RESPONSE_CREATED: _response_created,
    names.RESPONSE_DONE: _response_done,
    names.OUTPUT_ITEM_ADDED: _output_item_added,
    names.OUTPUT_ITEM_DONE: _output_item_done,
    names.CONTENT_PART_ADDED: _content_part_added,
    names.AUDIO_DELTA: _audio_delta,
    names.AUDIO_DONE: _audio_done,
    names.TRANSCRIPT_DELTA: _transcript_delta,
    names.TRANSCRIPT_DONE: _transcript_done,
    names.TEXT_DELTA: _text_delta,
    names.TEXT_DONE: _text_done,
    names.ARGUMENTS_DONE: _arguments_done,
}
"""Part of the table in `receive`."""
