"""The wire's outgoing direction: what each model input becomes.

`HANDLERS` maps the input's class to a function `(state, input, now)`. While there is no connection the same
functions keep what they would send: items and audio in `resend`, requests for responses in the response queue,
settings in the settings table. `begin()` sends all of it once there is a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never

from speakerd.realtime import event_names as names
from speakerd.realtime.errors import LeftOutError, NoAnswerError, UserError
from speakerd.realtime.items import item_from_dict, text_of
from speakerd.realtime.model import (
    RealtimeModelErrorEvent,
    RealtimeModelItemUpdatedEvent,
    RealtimeModelSendAudio,
    RealtimeModelSendAudioClear,
    RealtimeModelSendAudioCommit,
    RealtimeModelSendContext,
    RealtimeModelSendInterrupt,
    RealtimeModelSendMcpApproval,
    RealtimeModelSendRawMessage,
    RealtimeModelSendResponse,
    RealtimeModelSendSessionUpdate,
    RealtimeModelSendToolOutput,
    RealtimeModelSendUserInput,
    bytes_per_ms,
)
from speakerd.realtime.wire.due import MAX_BEGUN
from speakerd.realtime.wire.encoding import (
    appends,
    audio_message,
    encode,
    kind_of,
    text_message,
    user_message,
)
from speakerd.realtime.wire.history_replay import MAX_RECALLED_CHARS, replay_items, replay_lines
from speakerd.realtime.wire.parsing import well_formed
from speakerd.realtime.wire.resend_buffer import PendingItem, PendingRaw, SpokenTurn
from speakerd.realtime.wire.response import ResponseRequest
from speakerd.realtime.wire.session_settings import (
    INPUT_FORMAT,
    OUTPUT_FORMAT,
    to_paths,
    to_session,
    wire_tool_choice,
    wire_tools,
)

if TYPE_CHECKING:
    from speakerd.realtime.items import RealtimeItem
    from speakerd.realtime.wire.state import WireState

RequestHandler: TypeAlias = Callable[["WireState", Any, float], None]


def begin(state: WireState, history: Sequence[RealtimeItem], now: float) -> None:
    """Begin a connection: send the settings, the conversation so far, and what was not answered yet."""
    state.connected = True
    state.setting_up = True
    state.server_ids.connected()
    if not state.server_ids.one_session:
        for ids in (state.response_ids, state.item_ids, state.call_ids):
            ids.connected()
    if state.begun_in_vain >= MAX_BEGUN:
        _leave_out(state, history)
    entries = state.resend.entries
    waiting = {entry.item_id or "" for entry in entries if isinstance(entry, SpokenTurn)}
    waiting |= {str(entry.item.get("id")) for entry in entries if isinstance(entry, PendingItem)}
    waiting |= set(state.left_out)
    outputs = {entry.item.get("call_id") for entry in entries if isinstance(entry, PendingItem)}
    if state.dialect.replay == "instructions":
        state.settings.recalled.clear()
        state.settings.recall(replay_lines(history, waiting), MAX_RECALLED_CHARS)
        history = ()
    state.update_session(now)
    sent_before = len(state.frames)
    sound_of = state.resend.sound_of if state.dialect.takes_audio_items else lambda _item_id: None
    for item in replay_items(history, waiting, sound_of):
        if item["type"] == "function_call_output" and item["call_id"] in outputs:
            continue
        if state.dialect.id_prefixes and not state.ids.fits(item.get("id"), kind_of(item)):
            item = {**item, "id": state.ids.item(kind_of(item))}  # noqa: PLW2901  # the server's own id is refused by it
        try:
            state.create_item(item)
        except UserError as error:  # It would fail on each further connection too.
            state.emit(RealtimeModelErrorEvent(error))
            continue
        if "id" in item:
            state.replayed.add(item["id"])
    for entry in entries:
        match entry:
            case PendingItem():
                state.create_item(entry.item, entry.previous_item_id)
            case SpokenTurn():
                _send_turn_again(state, entry, now)
            case PendingRaw():
                pass  # Sent last, below.
            case _:
                assert_never(entry)
    _append(state, state.resend.uncommitted)
    state.begun_at = now if len(state.frames) > sent_before else None
    for message in state.resend.take_raw():
        _raw_message(state, message, now)
    state.settle(now)


def _leave_out(state: WireState, history: Sequence[RealtimeItem]) -> None:
    """Something makes the server end each connection: leave out what it has not taken, or else the conversation."""
    state.begun_in_vain = 0
    if not state.resend.give_up():
        for item in history:
            state.left_out.add(item.item_id)
    elif state.responses.drop_waiting():
        reason = f"{MAX_BEGUN} connections were lost as soon as the question was sent on them"
        state.emit(RealtimeModelErrorEvent(NoAnswerError(reason), about="response"))
        return
    state.emit(RealtimeModelErrorEvent(LeftOutError(MAX_BEGUN)))


def _send_turn_again(state: WireState, turn: SpokenTurn, now: float) -> None:
    """Send a turn that was committed and not answered, or spoken while there was no connection."""
    if _goes_as_item(state):
        # The server would find turns of its own in it: give it as one finished message.
        if turn.item_id is None or not state.ids.fits(turn.item_id, "user"):
            turn.item_id = state.ids.item("user")
        state.create_item(audio_message(turn.audio, turn.item_id))
        return
    turn.item_id = None  # The commit makes a new item of it.
    _append(state, turn.audio)
    _end_turn(state, now)


def _goes_as_item(state: WireState) -> bool:
    return state.settings.server_detects_turns and state.dialect.takes_audio_items


def _effect_of_commit(state: WireState) -> str:
    detects = state.settings.server_detects_turns
    return state.dialect.commit_while_detecting if detects else state.dialect.commit


def turns_ask(state: WireState) -> bool:
    """Return whether the server answers a turn by itself that is sent again, so that no request is made for it."""
    return not _goes_as_item(state) and _effect_of_commit(state) != "item"


def _end_turn(state: WireState, now: float) -> None:
    """Have the server take what was appended as a whole turn."""
    effect = _effect_of_commit(state)
    if effect == "silence":
        _append(state, bytes(2 * int(state.settings.silence_ms * state.resend.bytes_per_ms / 2)))
    else:
        state.send(names.INPUT_AUDIO_COMMIT)
    if effect != "item":
        state.responses.answers_by_itself(now)


def _append(state: WireState, audio: bytes) -> None:
    if state.connected and audio:
        for frame in appends(audio, state.ids.event()):
            state.send_frame(frame)


def _audio(state: WireState, event: RealtimeModelSendAudio, now: float) -> None:
    state.resend.append(event.audio)
    state.audio_sent_at = now
    _append(state, event.audio)
    if event.commit:
        _commit(state, event, now)


def _commit(state: WireState, _event: object, now: float) -> None:
    if state.resend.has_uncommitted:
        state.audio_due["committed"] = now
    state.resend.commit()
    if state.connected:
        _end_turn(state, now)
    # Whoever commits has heard the end of speech, whether the server finds it or not.
    state.audio_due.pop("item_of_speech", None)
    if state.user_speaks:
        state.user_speaks = False
        state.perform(state.responses.release(now))


def _clear(state: WireState, _event: RealtimeModelSendAudioClear, now: float) -> None:
    said = state.resend.has_uncommitted
    state.resend.clear()
    if not state.connected:
        return
    state.send_harmless(names.INPUT_AUDIO_CLEAR)
    state.audio_due.pop("item_of_speech", None)
    confirms = state.dialect.says_cleared or state.clears_confirmed
    if said and confirms and names.INPUT_AUDIO_CLEAR not in state.dialect.lacks:
        state.audio_due["cleared"] = now


def _user_input(state: WireState, event: RealtimeModelSendUserInput, now: float) -> None:
    item = user_message(event.user_input, state.ids.item("user"))
    if state.dialect.takes_texts:
        state.add_item(item)
        request = ResponseRequest()
    else:
        request = _told_in_instructions(state, item, now)
    if event.start_response:
        state.request(request, now)


def _told_in_instructions(state: WireState, item: Mapping[str, Any], now: float) -> ResponseRequest:
    """Tell what a user has written to a server that takes no texts; return the request for an answer to it.

    Raises:
        UserError: there is more in it than a text.
    """
    said = item_from_dict(item)
    if any(part["type"] != "input_text" for part in item["content"]):
        raise UserError("this server takes no images in a conversation")
    line = f"User, in writing: {text_of(said)}"
    params = {"instructions": f"{state.settings.instructions}\n{line}\nAnswer that now."}
    state.settings.recall([line], MAX_RECALLED_CHARS)
    state.update_session(now)
    state.emit(RealtimeModelItemUpdatedEvent(said))
    return ResponseRequest(params)


def _context(state: WireState, event: RealtimeModelSendContext, now: float) -> None:
    if state.dialect.context_in_instructions:
        state.settings.recall([event.text], MAX_RECALLED_CHARS)
        state.update_session(now)
        return
    state.add_item(text_message("system", event.text, state.ids.item("system")), event.previous_item_id)


def _tool_output(state: WireState, event: RealtimeModelSendToolOutput, now: float) -> None:
    state.open_calls.discard(event.tool_call.call_id)
    state.answer_call(event.tool_call, well_formed(event.output))
    if event.start_response:
        state.request(ResponseRequest(), now)


def _mcp_approval(state: WireState, event: RealtimeModelSendMcpApproval, _now: float) -> None:
    reason = {} if event.reason is None else {"reason": event.reason}
    item = {
        "id": state.ids.item(),
        "type": "mcp_approval_response",
        "approval_request_id": event.approval_request_id,
        "approve": event.approve,
        **reason,
    }
    state.add_item(item)


def _response(state: WireState, event: RealtimeModelSendResponse, now: float) -> None:
    params = {
        "instructions": event.instructions,
        "conversation": "none" if event.conversation == "none" else None,
        "input": None if event.input is None else list(event.input),
        "metadata": None if event.metadata is None else dict(event.metadata),
        "output_modalities": None if event.output_modalities is None else list(event.output_modalities),
        "tool_choice": None if event.tool_choice is None else wire_tool_choice(event.tool_choice),
        "max_output_tokens": event.max_output_tokens,
        "tools": None if event.tools is None else wire_tools(event.tools),
        "reasoning": None if event.reasoning is None else dict(event.reasoning),
    }
    given = {key: value for key, value in params.items() if value is not None}
    encode(given)  # So that parameters that are not JSON raise here, where they come from.
    state.request(ResponseRequest(given or None), now)


def _interrupt(state: WireState, event: RealtimeModelSendInterrupt, now: float) -> None:
    wanted = event.response_id
    if (
        wanted is not None
        and state.responses.active(wanted) is None
        and not state.playback.plays(wanted, now)
    ):
        return
    if not event.playback_only:
        state.perform(state.responses.cancel(now, wanted))
        if wanted is None:
            state.audio_due.pop("item_of_speech", None)
    if not event.cancel_response_only:
        state.cut_playback(now, wanted)


def _session_update(state: WireState, event: RealtimeModelSendSessionUpdate, now: float) -> None:
    want(state, event.session_settings)
    state.update_session(now)
    state.settle(now)


def want(state: WireState, settings: Mapping[str, Any]) -> None:
    """Merge settings into the wanted ones; nothing is sent yet.

    Raises:
        UserError: an audio format that does not exist, or something that is not JSON.
    """
    encode(to_session(to_paths(settings), state.dialect))
    state.settings.want(settings)
    if (audio_format := state.settings.get(OUTPUT_FORMAT)) is not None:
        state.playback.bytes_per_ms = bytes_per_ms(audio_format)
    if (audio_format := state.settings.get(INPUT_FORMAT)) is not None:
        state.resend.bytes_per_ms = bytes_per_ms(audio_format)


def _raw(state: WireState, event: RealtimeModelSendRawMessage, now: float) -> None:
    message = {key: value for key, value in event.message.items() if key != "other_data"}
    message |= event.message.get("other_data") or {}
    if not isinstance(message.get("type"), str):
        raise UserError(
            f"a raw message needs a type, such as 'response.create', found {message.get('type')!r}"
        )
    _check_raw(message)
    _raw_message(state, message, now)


_RAW_OBJECTS: Final = {names.RESPONSE_CREATE: "response", names.SESSION_UPDATE: "session"}
"""What is read here of a raw message, by its type: it has to be an object."""


def _check_raw(message: Mapping[str, Any]) -> None:
    field = _RAW_OBJECTS.get(message["type"], "")
    given = message.get(field)
    found = {field: given} if given is not None and not isinstance(given, Mapping) else {}
    if isinstance(given, Mapping) and not isinstance(metadata := given.get("metadata"), Mapping | None):
        found = {f"{field}.metadata": metadata}
    for name, value in found.items():
        encode(message)  # What is not JSON is the first thing that is wrong.
        raise UserError(
            f"a raw {message['type']}: {name} is {value!r}, of type {type(value).__name__}; expected an object"
        )
    for name in ("event_id", "response_id"):
        if not isinstance(value := message.get(name), str | None):
            encode(message)
            raise UserError(
                f"a raw {message['type']}: {name} is {value!r}, of type {type(value).__name__}; expected a str"
            )


def _raw_message(state: WireState, message: Mapping[str, Any], now: float) -> None:
    kind = message["type"]
    if kind == names.RESPONSE_CREATE:
        encode(message)  # So that a message that is not JSON raises here, where it comes from.
        state.request(ResponseRequest(message.get("response"), message.get("event_id") or ""), now)
        return
    if not state.connected:
        encode(message)
        state.resend.defer(message)
        return
    if kind == names.RESPONSE_CANCEL and (actions := state.responses.cancel(now, message.get("response_id"))):
        state.perform(actions)
        return
    event_id = message.get("event_id") or state.ids.event()
    state.send_event({"event_id": event_id, **message})
    if kind == names.SESSION_UPDATE:
        state.settings.want_session(message.get("session") or {}, event_id, now)
    elif kind in (names.ITEM_TRUNCATE, names.ITEM_DELETE):
        state.playback.forget(str(message.get("item_id")))
    elif kind == names.INPUT_AUDIO_COMMIT:
        state.resend.commit()
    elif kind == names.INPUT_AUDIO_CLEAR:
        state.resend.clear()


HANDLERS: Final[Mapping[type, RequestHandler]] = {
    RealtimeModelSendRawMessage: _raw,
    RealtimeModelSendUserInput: _user_input,
    RealtimeModelSendContext: _context,
    RealtimeModelSendAudio: _audio,
    RealtimeModelSendAudioCommit: _commit,
    RealtimeModelSendAudioClear: _clear,
    RealtimeModelSendResponse: _response,
    RealtimeModelSendToolOutput: _tool_output,
    RealtimeModelSendMcpApproval: _mcp_approval,
    RealtimeModelSendInterrupt: _interrupt,
    RealtimeModelSendSessionUpdate: _session_update,
}
