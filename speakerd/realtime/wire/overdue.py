"""What follows when something does not come in time: the consequences that the table in `due` names."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, assert_never

from speakerd.realtime.errors import NoAnswerError
from speakerd.realtime.model import RealtimeModelErrorEvent
from speakerd.realtime.wire.due import DUE, TAKEN_AFTER_S
from speakerd.realtime.wire.receive_hosted import hosted_call_overdue
from speakerd.realtime.wire.receive_responses import end_response
from speakerd.realtime.wire.response import Overdue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from speakerd.realtime.wire.response import QueueAction, QueueOutcome
    from speakerd.realtime.wire.state import AudioDue, WireState


def waits(state: WireState) -> Iterator[tuple[float, Callable[[float], None]]]:
    """Yield by when each thing that is awaited has to come, and what follows if it has not by then."""
    if state.update_at is not None:
        yield state.update_at, partial(_update_again, state)
    if (at := state.update_due_at) is not None:
        yield at, state.update_overdue
    for due, since in list(state.audio_due.items()):
        yield since + DUE[due].within_s, partial(_audio_overdue, state, due)
    if state.begun_at is not None:
        yield state.begun_at + TAKEN_AFTER_S, lambda _now: state.conversation_taken()
    if (at := state.responses.deadline) is not None:
        yield at, partial(_queue_due, state)
    for call in list(state.hosted.running.values()):
        if call.due_at is not None:
            yield call.due_at, partial(hosted_call_overdue, state, call)


def tick(state: WireState, now: float) -> None:
    """Carry out what follows from all that is overdue, and send what waited for it."""
    if state.must_reconnect is None:  # Else all that was due is due no more.
        for at, then in waits(state):
            if now >= at:
                then(now)


def _update_again(state: WireState, now: float) -> None:
    state.update_session(now)
    state.settle(now)


def _audio_overdue(state: WireState, due: AudioDue, now: float) -> None:
    del state.audio_due[due]
    if due == "cleared":
        # What was said is gone, and nobody will answer it: who said it has to know.
        reason = "the server did not notice what was said, and does not answer"
        state.emit(RealtimeModelErrorEvent(NoAnswerError(reason), about="response"))
    elif due == "item_of_speech":
        state.user_speaks = False
        state.resend.commit()
        if state.settings.server_answers:
            state.perform(state.responses.release(now, server_answers=True))
    carry_out(state, [Overdue(due)], now)


def _queue_due(state: WireState, now: float) -> None:
    outcomes = state.responses.tick(now)
    state.report_given_up("the server reported an error, and nothing else")
    carry_out(state, outcomes, now)


def carry_out(state: WireState, outcomes: Sequence[QueueOutcome], now: float) -> None:
    """Carry out what the response queue decided, what is overdue included."""
    actions: list[QueueAction] = []
    for outcome in outcomes:
        if isinstance(outcome, Overdue):
            _overdue(state, outcome, now)
        else:
            actions.append(outcome)
    state.perform(actions)


def _overdue(state: WireState, overdue: Overdue, now: float) -> None:
    rule = DUE[overdue.due]
    reason = f"the server did not send {rule.awaited} within {rule.within_s:g} s"
    match rule.then:
        case "replace":
            state.must_reconnect = reason
        case "give_up":
            state.emit(RealtimeModelErrorEvent(NoAnswerError(reason), about="aside"))
        case "end":
            assert overdue.response_id is not None  # noqa: S101  # only responses end
            cancelled = overdue.due == "end_after_cancel"
            if cancelled:
                state.responses.cancel_unconfirmed()
            if overdue.due in ("progress_aside", "content_aside"):
                state.emit(RealtimeModelErrorEvent(NoAnswerError(reason), about="aside"))
            status = "cancelled" if cancelled else "failed"
            data = {"status": status, "status_details": {"reason": overdue.due}}
            end_response(state, overdue.response_id, data, now)
        case "go_on":
            pass
        case _:
            assert_never(rule.then)
