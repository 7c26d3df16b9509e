"""A few days of a household, in which servers and networks fail; `scripts/simulation month` has thirty."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulation import month
from tests.simulation.month import _Household, live


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_nothing_that_may_never_be_happens_in_three_days(seed: int) -> None:
    report = live(3, seed)
    assert not report.problems, "\n".join(
        (f"scripts/simulation month --days 3 --seed {seed}", *report.problems, str(report))
    )
    assert report.answered > 4 * report.told > 0
    assert report.faults > 0
    assert report.outages > 0


@pytest.mark.exhaustive
def test_a_leak_and_what_is_sent_asleep_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    leaked: list[list[int]] = []
    until_idle = _Household.until_idle

    async def until_idle_and_leak(self: _Household) -> None:
        await until_idle(self)
        leaked.extend([turn] for turn in range(200))
        await asyncio.sleep(2.0)
        self.look({"type": "response.create"})

    monkeypatch.setattr(_Household, "until_idle", until_idle_and_leak)
    monkeypatch.setattr(month, "STOCK_EVERY", 2)
    problems = live(1, 5).problems
    assert any("objects are left by each turn" in problem for problem in problems)
    assert any("response.create came when it had been asleep" in problem for problem in problems)


def test_the_same_seed_is_the_same_life() -> None:
    first, second = live(1, 5), live(1, 5)
    for counted in ("acts", "answered", "told", "requests", "connections", "faults", "outages", "problems"):
        assert getattr(first, counted) == getattr(second, counted)
