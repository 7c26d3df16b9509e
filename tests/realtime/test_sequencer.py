from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakerd.realtime.wire import response_queue as q
from speakerd.realtime.wire.due import DUE, MAX_ASKED
from speakerd.realtime.wire.response import (
    MAX_ITEMS,
    ActiveResponse,
    Cancel,
    Create,
    Overdue,
    ResponseRequest,
)
from speakerd.realtime.wire.response_queue import ResponseQueue


def connected() -> ResponseQueue:
    sequencer = ResponseQueue()
    assert sequencer.reconnected(0.0) == []
    return sequencer


def creates(actions: list[Any]) -> list[str]:
    return [action.request.event_id for action in actions if isinstance(action, Create)]


def cancels(actions: list[Any]) -> list[str]:
    return [action.response_id for action in actions if isinstance(action, Cancel)]


def test_a_request_is_sent_at_once_when_nothing_runs() -> None:
    assert creates(connected().request(ResponseRequest(), 0.0)) == ["rsp_1"]


def test_without_a_connection_requests_wait_for_one() -> None:
    sequencer = ResponseQueue()
    assert sequencer.request(ResponseRequest(), 0.0) == []
    assert sequencer.request(ResponseRequest({"conversation": "none"}), 0.0) == []
    assert len(creates(sequencer.reconnected(1.0))) == 2


def test_plain_requests_that_wait_become_one() -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest(), 0.0)
    assert sequencer.request(ResponseRequest(), 0.0) == []
    assert sequencer.request(ResponseRequest(), 0.0) == []
    assert len(sequencer._waiting) == 1
    sequencer.created("r1", 0.0)
    _, actions = sequencer.done("r1", 1.0)
    assert creates(actions) == ["rsp_2"]
    assert len(sequencer._waiting) == 0


def test_requests_with_parameters_keep_their_own_turn() -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest(), 0.0)
    sequencer.request(ResponseRequest({"instructions": "a"}), 0.0)
    sequencer.request(ResponseRequest({"instructions": "b"}), 0.0)
    assert len(sequencer._waiting) == 2


def test_waiting_requests_are_bounded_the_oldest_goes() -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest(), 0.0)
    for number in range(q.MAX_WAITING + 5):
        sequencer.request(ResponseRequest({"instructions": str(number)}), 0.0)
    assert len(sequencer._waiting) == q.MAX_WAITING


def test_cancel_ends_the_running_response_by_id_once() -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest(), 0.0)
    sequencer.created("r1", 0.0)
    assert cancels(sequencer.cancel(0.0)) == ["r1"]
    assert sequencer.cancel(0.0) == []
    assert sequencer.is_cancelled("r1")


def test_cancel_before_created_cancels_when_it_is_created() -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest(), 0.0)
    assert sequencer.cancel(0.0) == []
    response, actions = sequencer.created("r1", 0.0)
    assert cancels(actions) == ["r1"]
    assert response.cancelled


def test_cancel_between_the_users_turn_and_the_servers_own_response() -> None:
    sequencer = connected()
    sequencer.hold(0.0)
    sequencer.release(1.0, server_answers=True)
    assert not sequencer.idle
    assert sequencer.cancel(0.0) == []
    _, actions = sequencer.created("r1", 0.0)
    assert cancels(actions) == ["r1"]


def test_cancel_of_another_id_leaves_the_running_one_alone() -> None:
    sequencer = connected()
    sequencer.created("r1", 0.0)
    assert sequencer.cancel(0.0, "r0") == []
    assert not sequencer.is_cancelled("r1")
    assert cancels(sequencer.cancel(0.0, "r1")) == ["r1"]


def test_cancel_keeps_what_waits() -> None:
    sequencer = connected()
    sequencer.created("r1", 0.0)
    sequencer.request(ResponseRequest(), 0.0)
    sequencer.cancel(0.0)
    _, actions = sequencer.done("r1", 1.0)
    assert len(creates(actions)) == 1


def test_events_of_a_cancelled_response_are_dropped_after_its_end_too() -> None:
    sequencer = connected()
    sequencer.created("r1", 0.0)
    sequencer.cancel(0.0)
    sequencer.done("r1", 0.0)
    assert sequencer.is_cancelled("r1")
    assert sequencer.has_ended("r1")
    assert not sequencer.is_cancelled("r2")


def test_a_refused_request_is_sent_again_once_after_the_running_one() -> None:
    sequencer = connected()
    first = creates(sequencer.request(ResponseRequest(), 0.0))[0]
    sequencer.created("server's own", 0.0)
    again, actions = sequencer.refused(first, 0.1)
    assert (again, actions) == (True, [])
    _, actions = sequencer.done("server's own", 1.0)
    second = creates(actions)
    assert len(second) == 1
    assert second != [first]
    again, actions = sequencer.refused(second[0], 1.1)
    assert (again, actions) == (False, [])
    assert sequencer.idle


def test_a_refused_request_that_was_cancelled_meanwhile_is_not_sent_again() -> None:
    sequencer = connected()
    first = creates(sequencer.request(ResponseRequest(), 0.0))[0]
    sequencer.created("server's own", 0.0)
    sequencer.cancel(0.0)
    sequencer.refused(first, 0.1)
    _, actions = sequencer.done("server's own", 1.0)
    assert actions == []


def test_a_request_refused_for_an_unknown_response_waits_a_moment_not_for_ever() -> None:
    sequencer = connected()
    first = creates(sequencer.request(ResponseRequest(), 0.0))[0]
    again, actions = sequencer.refused(first, 10.0)
    assert (again, actions) == (True, [])
    assert sequencer.deadline == pytest.approx(10.0 + DUE["ask_again"].within_s)
    assert creates(sequencer.tick(10.5)) == []
    assert len(creates(sequencer.tick(11.1))) == 1


def test_a_refusal_of_something_unknown_changes_nothing() -> None:
    sequencer = connected()
    assert sequencer.refused("evt_9", 0.0) == (False, [])
    assert sequencer.failed("evt_9", 0.0) == (False, [])
    assert sequencer.failed(None, 0.0) == (False, [])


def test_a_failed_request_lets_the_next_one_through() -> None:
    sequencer = connected()
    first = creates(sequencer.request(ResponseRequest(), 0.0))[0]
    sequencer.request(ResponseRequest(), 0.0)
    was_one, actions = sequencer.failed(first, 0.1)
    assert was_one
    assert len(creates(actions)) == 1


def test_an_unanswered_request_calls_for_another_connection_and_is_asked_again_there_once() -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest(), 0.0)
    sequencer.request(ResponseRequest({"conversation": "none"}), 0.0)
    assert sequencer.deadline == DUE["created"].within_s
    assert sequencer.tick(DUE["created"].within_s - 0.1) == []
    assert sequencer.tick(DUE["created"].within_s) == [Overdue("created"), Overdue("created_aside")]
    sequencer.connection_lost()
    (again,) = sequencer.reconnected(11.0)
    assert isinstance(again, Create)
    assert sequencer.tick(11.0 + DUE["created"].within_s) == [Overdue("created")]
    sequencer.connection_lost()
    assert sequencer.reconnected(22.0) == []
    assert len(sequencer.take_given_up()) == 1
    assert sequencer.take_given_up() == []


def test_an_expected_response_of_the_server_is_not_awaited_for_ever_but_asked_for_elsewhere() -> None:
    sequencer = connected()
    sequencer.release(5.0, server_answers=True)
    assert sequencer.deadline == (over := 5.0 + DUE["server_response"].within_s)
    assert sequencer.tick(over) == [Overdue("server_response")]
    sequencer.connection_lost()
    assert len(creates(sequencer.reconnected(over))) == 1


def test_an_expected_response_that_nobody_wants_any_more_is_awaited_no_longer() -> None:
    sequencer = connected()
    sequencer.release(5.0, server_answers=True)
    sequencer.cancel(6.0)
    assert sequencer.tick(5.0 + DUE["server_response"].within_s) == []
    assert sequencer.idle


@pytest.mark.parametrize("begins", [True, False])
def test_the_request_for_what_the_server_answers_by_itself_is_counted_as_others_are(begins: bool) -> None:
    sequencer = connected()
    for number in range(MAX_ASKED):
        assert sequencer.take_given_up() == []
        sequencer.answers_by_itself(0.0)
        if number == 0:
            assert sequencer.request(ResponseRequest(), 0.0) == []
        if begins:
            sequencer.created(f"r{number}", 0.0)
        sequencer.connection_lost()
    assert len(sequencer.take_given_up()) == 1
    assert sequencer.reconnected(1.0) == []


def test_a_request_after_the_response_that_the_server_did_not_begin_is_no_part_of_that() -> None:
    sequencer = connected()
    sequencer.answers_by_itself(0.0)
    sequencer.cancel(1.0)
    sequencer.tick(DUE["server_response"].within_s)
    assert len(creates(sequencer.request(ResponseRequest(), 20.0))) == 1


def test_while_the_user_speaks_requests_wait() -> None:
    sequencer = connected()
    sequencer.hold(0.0)
    assert sequencer.request(ResponseRequest(), 0.0) == []
    assert len(creates(sequencer.release(2.0))) == 1


def test_the_servers_own_response_is_given_the_way() -> None:
    sequencer = connected()
    sequencer.hold(0.0)
    sequencer.request(ResponseRequest(), 0.0)
    assert sequencer.release(1.0, server_answers=True) == []
    sequencer.created("server's own", 0.0)
    _, actions = sequencer.done("server's own", 2.0)
    assert len(creates(actions)) == 1


def test_a_server_that_does_not_answer_is_given_the_way_only_for_a_moment() -> None:
    sequencer = connected()
    sequencer.release(1.0, server_answers=True)
    assert sequencer.request(ResponseRequest(), 1.0) == []
    assert sequencer.deadline == 1.0 + DUE["server_response_first"].within_s
    assert len(creates(sequencer.tick(1.0 + DUE["server_response_first"].within_s))) == 1


def test_a_user_who_is_never_done_speaking_holds_up_only_for_so_long() -> None:
    sequencer = connected()
    sequencer.hold(0.0)
    sequencer.request(ResponseRequest(), 0.0)
    assert sequencer.deadline == DUE["end_of_speech"].within_s
    assert len(creates(sequencer.tick(DUE["end_of_speech"].within_s))) == 1


def test_a_request_after_a_hold_that_has_run_out_is_sent_at_once() -> None:
    sequencer = connected()
    sequencer.hold(0.0)
    assert sequencer.deadline is None, "nothing waits for its end"
    assert creates(sequencer.request(ResponseRequest(), DUE["end_of_speech"].within_s)) == ["rsp_1"]


def test_out_of_band_is_told_apart_by_conversation_or_metadata() -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest(), 0.0)
    sequencer.request(ResponseRequest({"conversation": "none", "metadata": {"a": "1"}}), 0.0)
    sequencer.request(ResponseRequest({"conversation": "none"}), 0.0)
    by_metadata, _ = sequencer.created("r1", 0.0, metadata={"a": "1"})
    default, _ = sequencer.created("r2", 0.0, conversation=True)
    by_conversation, _ = sequencer.created("r3", 0.0, conversation=False)
    assert (by_metadata.out_of_band, default.out_of_band, by_conversation.out_of_band) == (True, False, True)
    assert sequencer.running is default
    assert [response.request and response.request.params for response in (by_metadata, by_conversation)] == [
        {"conversation": "none", "metadata": {"a": "1"}},
        {"conversation": "none"},
    ]


def test_out_of_band_refused_by_a_server_without_it_waits_its_turn() -> None:
    sequencer = connected()
    sequencer.created("r1", 0.0)
    aside = creates(sequencer.request(ResponseRequest({"conversation": "none"}), 0.0))[0]
    assert sequencer.refused(aside, 0.1) == (True, [])
    _, actions = sequencer.done("r1", 1.0)
    assert len(creates(actions)) == 1


def test_a_newer_response_ends_one_whose_end_was_lost() -> None:
    sequencer = connected()
    sequencer.created("r1", 0.0)
    sequencer.created("r2", 0.0)
    assert sequencer.running is sequencer.active("r2")
    assert sequencer.has_ended("r1")


def test_a_response_that_begins_again_under_its_id_has_not_ended() -> None:
    sequencer = connected()
    sequencer.created("r1", 0.0)
    sequencer.cancel(0.0)
    sequencer.done("r1", 0.0)
    sequencer.created("r1", 0.0)
    assert not sequencer.has_ended("r1")
    assert not sequencer.is_cancelled("r1")


def test_an_end_is_told_once_and_an_unknown_one_counts() -> None:
    sequencer = connected()
    response, _ = sequencer.done("never created", 0.0)
    assert response is not None
    assert sequencer.done("never created", 0.0) == (None, [])


def test_a_lost_connection_asks_again_for_what_brought_nothing() -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest({"instructions": "x"}), 0.0)
    sequencer.created("r1", 0.0)
    sequencer.request(ResponseRequest(), 0.0)
    cut = sequencer.connection_lost()
    assert [response.response_id for response in cut] == ["r1"]
    first = sequencer.reconnected(1.0)
    assert [action.request.params for action in first if isinstance(action, Create)] == [
        {"instructions": "x"}
    ]
    sequencer.created("r2", 0.0)
    _, second = sequencer.done("r2", 2.0)
    assert len(creates(second)) == 1


@pytest.mark.parametrize("how", ["delivered", "cancelled"])
def test_a_lost_connection_does_not_ask_again_for_what_was_begun_or_not_wanted(how: str) -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest(), 0.0)
    response, _ = sequencer.created("r1", 0.0)
    if how == "delivered":
        response.delivered = True
    else:
        sequencer.cancel(0.0)
    sequencer.connection_lost()
    assert sequencer.reconnected(1.0) == []


def test_a_lost_connection_asks_for_the_reply_that_the_server_owed() -> None:
    sequencer = connected()
    sequencer.release(0.0, server_answers=True)
    sequencer.connection_lost()
    assert len(creates(sequencer.reconnected(1.0))) == 1


def test_a_cancelled_request_is_not_asked_for_on_the_next_connection() -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest(), 0.0)
    sequencer.cancel(0.0)
    sequencer.connection_lost()
    assert sequencer.reconnected(1.0) == []


def test_several_unanswered_plain_requests_become_one_on_the_next_connection() -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest(), 0.0)
    sequencer.request(ResponseRequest(), 0.0)
    sequencer.request(ResponseRequest({"conversation": "none"}), 0.0)
    sequencer.connection_lost()
    assert len(creates(sequencer.reconnected(1.0))) == 2
    assert len(sequencer._waiting) == 0


def test_a_request_repeated_on_the_next_connection_may_be_refused_once_there_too() -> None:
    sequencer = connected()
    first = creates(sequencer.request(ResponseRequest(), 0.0))[0]
    sequencer.created("server's own", 0.0)
    sequencer.refused(first, 0.1)
    sequencer.done("server's own", 1.0)
    sequencer.created("r2", 0.0)
    sequencer.connection_lost()
    again = creates(sequencer.reconnected(2.0))[0]
    sequencer.created("server's own, too", 0.0)
    assert sequencer.refused(again, 2.1) == (True, [])


def test_a_refusal_on_the_next_connection_does_not_mean_a_request_of_the_last_one() -> None:
    sequencer = connected()
    sequencer.request(ResponseRequest(), 0.0)
    sequencer.created("r1", 0.0)[0].delivered = True
    sequencer.connection_lost()
    sequencer.reconnected(1.0)
    assert sequencer.refused(None, 1.1) == (False, [])
    assert sequencer.idle


STEPS = st.lists(
    st.sampled_from(
        [
            "request",
            "aside",
            "created",
            "done",
            "refused",
            "failed",
            "cancel",
            "hold",
            "release",
            "owed",
            "tick",
            "lost",
        ]
    ),
    max_size=60,
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(STEPS)
def test_whatever_happens_one_request_is_out_and_none_waits_for_ever(steps: list[str]) -> None:
    sequencer = connected()
    now = 0.0
    ids = 0
    out: list[str] = []
    for step in steps:
        now += 0.1
        actions: Any = []
        if step == "request":
            actions = sequencer.request(ResponseRequest(), now)
        elif step == "aside":
            actions = sequencer.request(ResponseRequest({"conversation": "none"}), now)
        elif step == "created":
            ids += 1
            _, actions = sequencer.created(f"r{ids}", now)
        elif step == "done":
            _, actions = sequencer.done(f"r{ids}", now)
        elif step == "refused":
            _, actions = sequencer.refused(out[-1] if out else None, now)
        elif step == "failed":
            _, actions = sequencer.failed(out[-1] if out else None, now)
        elif step == "cancel":
            actions = sequencer.cancel(now)
        elif step == "hold":
            sequencer.hold(now)
        elif step in ("release", "owed"):
            actions = sequencer.release(now, server_answers=step == "owed")
        elif step == "tick":
            actions = sequencer.tick(now)
        elif step == "lost":
            sequencer.connection_lost()
            actions = sequencer.reconnected(now)
        default = [a for a in actions if isinstance(a, Create) and not a.request.out_of_band]
        assert len(default) <= 1
        out += creates(actions)
        assert len(set(out)) == len(out)
    # However it stands: when the server ends what it has and time passes, everything gets its turn.
    for _ in range(q.MAX_WAITING):
        if (running := sequencer.running) is not None:
            sequencer.done(running.response_id, now)
        now += DUE["end_of_speech"].within_s
        if any(isinstance(a, Overdue) and DUE[a.due].then == "replace" for a in sequencer.tick(now)):
            sequencer.connection_lost()
            sequencer.reconnected(now)
    assert len(sequencer._waiting) == 0


def test_the_items_of_a_response_are_bounded_and_those_after_the_cut_known() -> None:
    response = ActiveResponse("r1")
    response.put_out("a")
    response.put_out("b", cut=True)
    assert (list(response.items), list(response.cut)) == (["a", "b"], ["b"])
    for number in range(1000):
        response.put_out(f"x{number}", cut=True)
    assert len(response.items) == len(response.cut) == MAX_ITEMS
