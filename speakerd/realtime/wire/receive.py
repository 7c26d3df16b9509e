"""The wire's incoming direction: what each server event means.

`HANDLERS` maps the current names to functions `(state, event, now)`. They read the event with defaults for
whatever a server may leave out, change the state, and emit model events. A handler that meets something of the
wrong shape may raise: `protocol.py` reports the frame as malformed and goes on.

Here are the session, its errors and the user's audio; `receive_items` and `receive_responses` have the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from speakerd.realtime import event_names as names
from speakerd.realtime.dialects import TRANSCRIPT_SO_FAR
from speakerd.realtime.errors import SettingChangedError
from speakerd.realtime.model import (
    RealtimeModelErrorEvent,
    RealtimeModelInputAudioCommittedEvent,
    RealtimeModelInputAudioTimeoutTriggeredEvent,
    RealtimeModelInputAudioTranscriptionCompletedEvent,
    RealtimeModelInputAudioTranscriptionDeltaEvent,
    RealtimeModelSpeechStartedEvent,
    RealtimeModelSpeechStoppedEvent,
    bytes_per_ms,
)
from speakerd.realtime.wire import overdue, receive_hosted, receive_items, receive_responses
from speakerd.realtime.wire.parsing import ServerEvent, count, index, mapping, text
from speakerd.realtime.wire.receive_responses import end_response
from speakerd.realtime.wire.session_settings import VOICE, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speakerd.realtime.model import ErrorSubject
    from speakerd.realtime.wire.response import ResponseRequest
    from speakerd.realtime.wire.state import ServerEventHandler, WireState

# The session.


def _session(state: WireState, event: ServerEvent, _now: float) -> None:
    session = mapping(event.get("session"))
    state.ready = True
    if (expires_at := count(session, "expires_at")) is not None and expires_at > 0:
        state.expires_at = expires_at
    audio = mapping(session.get("audio"))
    output = mapping(audio.get("output")).get("format") or session.get("output_audio_format")
    if output:
        state.playback.bytes_per_ms = bytes_per_ms(output)
    if incoming := mapping(audio.get("input")).get("format"):
        state.resend.bytes_per_ms = bytes_per_ms(incoming)


def _session_updated(state: WireState, event: ServerEvent, now: float) -> None:
    _session(state, event, now)
    for parameter, difference in state.settings.confirmed(mapping(event.get("session"))):
        state.emit(RealtimeModelErrorEvent(SettingChangedError(parameter, difference)))
    state.settle(now)


def _error(state: WireState, event: ServerEvent, now: float) -> None:
    error = event.get("error")
    details = mapping(error)
    # Home servers put the slug where the class of the error belongs.
    code = details.get("code") or details.get("type")
    event_id = details.get("event_id")
    event_id = event_id if isinstance(event_id, str) else None
    about: ErrorSubject = "session"
    if code == names.RESPONSE_ALREADY_ACTIVE:
        about = _subject(state.responses.sent_as(event_id))
        again, outcomes = state.responses.refused(event_id, now)
        overdue.carry_out(state, outcomes, now)
        if again:
            return
    elif code == names.CANCEL_NOT_ACTIVE or _says_nothing_runs(state, details):
        _finish_cancelled(state, now)
        return
    elif code == names.SESSION_EXPIRED:
        state.must_reconnect = "the session reached its greatest age"
        return
    elif names.is_fatal_code(code) and details.get("param") is None:
        state.refusal = details
    elif _is_of_an_update(state, details, event_id, now) or _is_harmless(state, event_id):
        return
    elif event_id is not None and (item_id := state.created_items.pop(event_id, None)) is not None:
        state.resend.refused(item_id)
    else:
        if event_id is not None:
            about = _subject(state.responses.sent_as(event_id))
        of_a_response, actions = state.responses.failed(event_id, now)
        state.perform(actions)
        if not (of_a_response or state.ids.made(event_id)):
            state.responses.suspect(now)
    state.emit(RealtimeModelErrorEvent(error, about=about))


def _subject(request: ResponseRequest | None) -> ErrorSubject:
    """Return what an error is about that leaves this request without a response."""
    if request is None or not request.wanted:
        return "session"
    return "aside" if request.out_of_band else "request"


def _says_nothing_runs(state: WireState, details: ServerEvent) -> bool:
    words = state.dialect.nothing_runs
    return bool(words) and words in text(details, "message").lower()


def _is_harmless(state: WireState, event_id: str | None) -> bool:
    return event_id is not None and state.harmless.discard(event_id)


def _is_of_an_update(state: WireState, details: ServerEvent, event_id: str | None, now: float) -> bool:
    """Process an error about a `session.update`; return whether it was one, which is reported for each setting."""
    parameter = text(details, "param") or None
    code = text(details, "code") or None
    if code == names.CANNOT_UPDATE_VOICE and parameter is None:
        parameter = name_of(VOICE)
    # From a server that numbers errors in its own way no more is known than that something is wrong.
    unnamed = state.setting_up and parameter is None and not state.ids.made(event_id)
    refused = state.settings.refused(event_id, parameter, oldest=unnamed)
    if refused is None:
        return False
    message = text(details, "message") or code or text(details, "type") or "no reason given"
    state.update_refused(refused, message, code, now)
    return True


def _finish_cancelled(state: WireState, now: float) -> None:
    """The server runs no response: one that was cancelled is over, even if its `done` never came."""
    running = state.responses.running
    if running is not None and running.cancelled:
        end_response(state, running.response_id, {"status": "cancelled"}, now)


# The user's audio.


def _speech_started(state: WireState, event: ServerEvent, now: float) -> None:
    state.user_speaks = True
    state.audio_due.pop("item_of_speech", None)
    state.resend.speech_started()
    state.emit(
        RealtimeModelSpeechStartedEvent(text(event, "item_id") or None, count(event, "audio_start_ms"))
    )
    if state.settings.server_detects_turns:
        state.responses.hold(now)
    if state.settings.server_interrupts:
        # The server cancels its response itself; what plays has to be cut here.
        state.responses.cancel_silently(now)
        state.cut_playback(now)


def _speech_stopped(state: WireState, event: ServerEvent, now: float) -> None:
    if state.user_speaks:
        state.responses.hold(now, "committed")
        if state.dialect.says_committed and state.settings.server_detects_turns:
            state.audio_due["item_of_speech"] = now
    state.emit(RealtimeModelSpeechStoppedEvent(text(event, "item_id") or None, count(event, "audio_end_ms")))
    if not state.dialect.says_committed:
        _committed(state, event, now)


def _committed(state: WireState, event: ServerEvent, now: float) -> None:
    item_id = text(event, "item_id")
    if not state.dialect.says_committed and item_id and item_id == state.turn_item_id:
        return  # It was taken for one when the speech ended.
    state.user_speaks = False
    by_client = state.audio_due.pop("committed", None) is not None
    state.audio_due.pop("item_of_speech", None)
    state.turn_item_id = item_id
    state.resend.committed(item_id)
    previous = text(event, "previous_item_id") or None
    state.emit(RealtimeModelInputAudioCommittedEvent(item_id, previous))
    # It answers the turns that it finds; one that the client ends is answered on request.
    server_answers = state.settings.server_answers and not by_client
    state.perform(state.responses.release(now, server_answers=server_answers))


def _cleared(state: WireState, _event: ServerEvent, now: float) -> None:
    state.user_speaks, state.clears_confirmed = False, True
    state.audio_due.pop("cleared", None)
    state.audio_due.pop("item_of_speech", None)
    state.perform(state.responses.release(now))


def _timeout(state: WireState, event: ServerEvent, _now: float) -> None:
    state.emit(
        RealtimeModelInputAudioTimeoutTriggeredEvent(
            text(event, "item_id"), count(event, "audio_start_ms") or 0, count(event, "audio_end_ms") or 0
        )
    )


def turn_id(state: WireState, event: ServerEvent) -> str:
    """Return the id under which the turn is known here that an event is about."""
    if state.dialect.one_id_per_turn or state.turn_item_id is None:
        return text(event, "item_id")
    return state.turn_item_id


def _transcription_delta(state: WireState, event: ServerEvent, _now: float) -> None:
    if delta := text(event, "delta"):
        state.emit(RealtimeModelInputAudioTranscriptionDeltaEvent(turn_id(state, event), delta, index(event)))


def _transcription_updated(state: WireState, event: ServerEvent, _now: float) -> None:
    """Report what is new in a transcript that is sent again as it grows; the complete one mends the rest."""
    item_id, transcript = text(event, "item_id"), text(event, "transcript")
    known = state.growing.get(item_id, "")
    if transcript.startswith(known) and transcript != known:
        state.growing[item_id] = transcript
        delta = transcript[len(known) :]
        state.emit(RealtimeModelInputAudioTranscriptionDeltaEvent(item_id, delta, index(event)))


def _transcription_completed(state: WireState, event: ServerEvent, _now: float) -> None:
    item_id, transcript = turn_id(state, event), text(event, "transcript")
    if transcript:
        state.resend.transcribed(item_id)
    state.emit(RealtimeModelInputAudioTranscriptionCompletedEvent(item_id, transcript, index(event)))


def _transcription_failed(state: WireState, event: ServerEvent, _now: float) -> None:
    state.emit(RealtimeModelErrorEvent(event.get("error"), about="transcription"))


def sign_of_life(state: WireState, event: ServerEvent, now: float) -> None:
    """Process an event of a response that says no more than that the server is at work on it.

    Unlike the others it begins no response, and one that names none belongs to the one that runs.
    """
    named = event.get("response_id") or mapping(event.get("response")).get("id")
    response = state.responses.active(named) if isinstance(named, str) else state.responses.running
    if response is not None:
        response.alive(now)


HANDLERS: Final[Mapping[str, ServerEventHandler]] = {
    names.SESSION_CREATED: _session,
    names.SESSION_UPDATED: _session_updated,
    names.ERROR: _error,
    names.SPEECH_STARTED: _speech_started,
    names.SPEECH_STOPPED: _speech_stopped,
    names.INPUT_AUDIO_COMMITTED: _committed,
    names.INPUT_AUDIO_CLEARED: _cleared,
    names.INPUT_AUDIO_TIMEOUT: _timeout,
    names.INPUT_TRANSCRIPTION_DELTA: _transcription_delta,
    names.INPUT_TRANSCRIPTION_COMPLETED: _transcription_completed,
    TRANSCRIPT_SO_FAR: _transcription_updated,
    names.INPUT_TRANSCRIPTION_FAILED: _transcription_failed,
    **receive_hosted.HANDLERS,
    **receive_items.HANDLERS,
    **receive_responses.HANDLERS,
}
"""The events that are acted upon. Other published events are only reported raw."""
