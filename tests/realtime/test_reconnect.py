from __future__ import annotations

import itertools
from typing import get_args

import pytest

from speakerd.realtime import event_names as names
from speakerd.realtime.event_names import SESSION_MAX_AGE_S
from speakerd.realtime.transport import retry_policy as r
from speakerd.realtime.transport.retry_policy import TRANSITIONS, Backoff, ConnectionState, IllegalStepError

STATES = get_args(r.ConnectionStage)
EVENTS = get_args(r.ConnectionEvent)


def at(state: r.ConnectionStage) -> ConnectionState:
    connection = ConnectionState(Backoff(lambda: 0.0))
    connection.state = state
    return connection


@pytest.mark.parametrize(("state", "event"), list(itertools.product(STATES, EVENTS)))
def test_every_step_is_as_the_table_says_and_all_others_are_refused(
    state: r.ConnectionStage, event: r.ConnectionEvent
) -> None:
    connection = at(state)
    after = TRANSITIONS.get((state, event))
    if after is None:
        with pytest.raises(IllegalStepError, match=f"no step '{event}' from the state '{state}'"):
            connection.step(event, 0.0)
        assert connection.state == state
    else:
        assert connection.step(event, 0.0) == after == connection.state


def test_every_state_can_be_reached_and_closed() -> None:
    assert set(TRANSITIONS.values()) | {"idle"} == set(STATES)
    assert all(TRANSITIONS[state, "close"] == "ended" for state in STATES)


def test_the_table_in_the_docstring_names_every_state_and_event() -> None:
    assert r.__doc__ is not None
    assert all(word in r.__doc__ for word in (*STATES, *EVENTS))


def test_the_first_retry_comes_at_once_and_later_ones_within_doubling_bounds() -> None:
    backoff = Backoff(lambda: 1.0)
    delays = [backoff.next_delay() for _ in range(12)]
    assert delays[:5] == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert max(delays) == r.MAX_DELAY_S == delays[-1]


def test_delays_are_spread_over_the_whole_range() -> None:
    backoff = Backoff(iter([0.0, 0.5, 0.9]).__next__)
    backoff.next_delay()
    assert [backoff.next_delay() for _ in range(3)] == [0.0, 0.5, 1.8]


def test_a_connection_that_stood_makes_the_next_failure_the_first_again() -> None:
    backoff = Backoff(lambda: 1.0)
    for _ in range(5):
        backoff.next_delay()
    backoff.lasted(r.STABLE_AFTER_S - 0.1)
    assert backoff.next_delay() > 0
    backoff.lasted(r.STABLE_AFTER_S)
    assert backoff.next_delay() == 0.0


@pytest.mark.parametrize(("stood_s", "delay_s"), [(r.STABLE_AFTER_S, 0.0), (r.STABLE_AFTER_S - 1, 1.0)])
def test_how_long_a_lost_connection_stood_decides_the_delay(stood_s: float, delay_s: float) -> None:
    connection = ConnectionState(Backoff(lambda: 1.0), state="connecting")
    for _ in range(2):
        connection.backoff.next_delay()
    connection.step("opened", 5.0)
    connection.step("lost", 5.0 + stood_s)
    assert connection.retry_delay(5.0 + stood_s) == delay_s


def test_a_thousand_failures_do_not_overflow() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.next_delay() for _ in range(1000)][-1] == r.MAX_DELAY_S


def rotating(age: float, *, quiet: bool, between: bool) -> bool:
    connection = at("connecting")
    connection.step("opened", 100.0)
    return connection.wants_rotation(100.0 + age, quiet=quiet, between_responses=between)


def test_a_session_is_exchanged_when_it_is_old_and_nobody_speaks() -> None:
    assert not rotating(r.ROTATE_AFTER_S - 1, quiet=True, between=True)
    assert rotating(r.ROTATE_AFTER_S, quiet=True, between=True)
    assert not rotating(r.ROTATE_AFTER_S, quiet=False, between=True)


def test_a_very_old_session_is_exchanged_between_responses() -> None:
    assert not rotating(r.ROTATE_AT_LATEST_S - 1, quiet=False, between=True)
    assert rotating(r.ROTATE_AT_LATEST_S, quiet=False, between=True)
    assert not rotating(r.ROTATE_AT_LATEST_S, quiet=False, between=False)
    assert r.ROTATE_AT_LATEST_S < SESSION_MAX_AGE_S


def test_a_failed_exchange_is_not_tried_again_at_once() -> None:
    connection = at("connecting")
    connection.step("opened", 0.0)
    connection.step("rotate", r.ROTATE_AFTER_S)
    connection.step("failed", r.ROTATE_AFTER_S + 20)
    again = r.ROTATE_AFTER_S + 20 + r.ROTATE_AGAIN_S
    assert not connection.wants_rotation(again - 1, quiet=True, between_responses=True)
    assert connection.wants_rotation(again, quiet=True, between_responses=True)


@pytest.mark.parametrize(
    "code", ["invalid_api_key", "insufficient_quota", "billing_hard_limit_reached", "model_not_found"]
)
def test_errors_that_no_try_can_help(code: str) -> None:
    assert names.is_fatal_code(code)


@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded", "session_expired", None, 5])
def test_errors_that_a_try_may_help(code: object) -> None:
    assert not names.is_fatal_code(code)


def test_statuses_and_close_codes_are_told_apart() -> None:
    assert [status for status in (200, 401, 403, 404, 408, 429, 500, 503) if r.is_fatal_status(status)] == [
        401,
        403,
        404,
    ]
    assert not any(r.is_fatal_close(code) for code in (1000, 1001, 1006, 1008, 1011, 1012, None))
    assert all(r.is_fatal_close(code) for code in (3000, 4000, 4001, 4003))
