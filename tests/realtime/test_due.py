"""The table of what is due, the budgets, and when silence on a socket is looked into."""

from __future__ import annotations

import ast
import math
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.realtime import wire
from speakerd.realtime.wire import due as d
from speakerd.realtime.wire.due import DUE, Allowance, Budget, Liveness


def test_the_table_has_a_row_for_everything_that_is_due_and_everything_in_it_is_awaited_somewhere() -> None:
    assert set(DUE) == set(get_args(d.Due))
    assert {rule.then for rule in DUE.values()} == set(get_args(d.Consequence))
    used: set[str] = set()
    for file in Path(wire.__file__).parent.glob("*.py"):
        if file.name != "due.py":
            tree = ast.parse(file.read_text("utf-8"))
            texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
            used |= {text for text in texts if isinstance(text, str) and text in DUE}
    assert used == set(DUE)


def test_no_limit_is_longer_than_a_person_waits_but_for_speech() -> None:
    # A hosted tool may take its time, as a program's own may: meanwhile the conversation goes on.
    # Nor is a server silent that shows signs of life.
    longer = ("end_of_speech", "hosted_call", "content", "content_aside")
    assert max(rule.within_s for due, rule in DUE.items() if due not in longer) <= 15.0
    assert d.QUIET_WHILE_DUE_S + d.PONG_WHILE_DUE_S <= 5.0


# Budgets.


@given(st.lists(st.floats(0, 10), max_size=400))
def test_in_no_minute_is_more_sent_than_the_budget_allows(gaps: list[float]) -> None:
    allowance = Allowance(Budget(burst=5, refill=20.0))
    now, sent = 0.0, []
    for gap in gaps:
        now += gap
        if allowance.try_take(now) == 0.0:
            sent.append(now)
    for begin in sent:
        assert len([at for at in sent if begin <= at < begin + 60.0]) <= allowance.budget.most_per_minute


def test_after_the_wait_that_it_names_one_more_may_be_sent() -> None:
    allowance = Allowance(Budget(burst=3, refill=6.0))
    assert [allowance.try_take(0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 10.0]
    wait_s = allowance.wait_s(1.0)
    assert wait_s == pytest.approx(9.0)
    assert allowance.try_take(1.0 + wait_s - 0.1) == pytest.approx(0.1)
    assert allowance.try_take(1.0 + wait_s) == 0.0
    assert allowance.try_take(1.0 + wait_s) == pytest.approx(10.0)


def test_a_budget_that_is_not_used_does_not_grow_beyond_its_burst() -> None:
    allowance = Allowance(Budget(burst=2, refill=60.0))
    assert [allowance.try_take(1e6) for _ in range(3)] == [0.0, 0.0, 1.0]
    assert [allowance.try_take(2e6) for _ in range(3)] == [0.0, 0.0, 1.0]


def test_time_that_was_looked_at_before_is_not_counted_again() -> None:
    allowance = Allowance(Budget(burst=1, refill=60.0))
    allowance.try_take(0.0)
    for _ in range(100):
        allowance.wait_s(0.5)
        allowance.wait_s(0.0)
    assert allowance.wait_s(0.5) == pytest.approx(0.5)


def test_the_figures_that_are_stated_are_those_of_the_first_minute_at_full_speed() -> None:
    for budget, stated in ((d.RESPONSES, 30), (d.UPDATES, 60), (d.HANDSHAKES, 24)):
        allowance = Allowance(budget)
        sent = sum(allowance.try_take(tick / 100) == 0.0 for tick in range(6000))
        assert stated - 1 <= sent <= stated == budget.most_per_minute


# Liveness.


def looks(
    liveness: Liveness, until: float, *, due: bool = False, speaking: bool = False
) -> list[tuple[float, str]]:
    """What it finds, looking each tenth of a second."""
    found = []
    for tenth in range(int(until * 10) + 1):
        if (finding := liveness.look(tenth / 10, due=due, speaking=speaking)) is not None:
            found.append((tenth / 10, str(finding)))
            if finding == "lost":
                break
    return found


@pytest.mark.parametrize(
    ("due", "speaking", "found"),
    [
        (True, False, [(2.0, "probe"), (5.0, "lost")]),
        (True, True, [(2.0, "probe"), (5.0, "lost")]),
        (False, True, [(5.0, "probe"), (8.0, "lost")]),
        (False, False, [(10.0, "probe"), (20.0, "lost")]),
    ],
)
def test_silence_is_looked_into_the_sooner_the_more_it_means(
    due: bool, speaking: bool, found: list[tuple[float, str]]
) -> None:
    assert looks(Liveness(0.0, 10.0, 10.0), 30, due=due, speaking=speaking) == found


def test_whatever_is_heard_ends_the_suspicion() -> None:
    liveness = Liveness(0.0, 10.0, 10.0)
    assert liveness.look(2.0, due=True, speaking=False) == "probe"
    liveness.heard(2.5)
    assert liveness.look(4.4, due=True, speaking=False) is None
    assert liveness.look(4.5, due=True, speaking=False) == "probe"


def test_a_ping_of_an_idle_connection_that_was_not_answered_counts_once_something_is_due() -> None:
    liveness = Liveness(0.0, 10.0, 10.0)
    assert liveness.look(10.0, due=False, speaking=False) == "probe"
    assert liveness.look(14.0, due=False, speaking=False) is None
    assert liveness.look(14.0, due=True, speaking=False) == "lost"


def test_without_a_keepalive_nothing_is_ever_probed() -> None:
    for due in (False, True):
        assert looks(Liveness(0.0, math.inf, math.inf), 100, due=due, speaking=due) == []


def test_shorter_limits_of_the_keepalive_hold_while_something_is_due_too() -> None:
    assert looks(Liveness(0.0, 1.0, 0.5), 9, due=True) == [(1.0, "probe"), (1.5, "lost")]
