"""A few days of a household, in which servers and networks fail; `scripts/simulation month` has thirty."""

from __future__ import annotations

import pytest

from tests.simulation.month import live


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_nothing_that_may_never_be_happens_in_three_days(seed: int) -> None:
    report = live(3, seed)
    assert not report.problems, "\n".join(
        (f"scripts/simulation month --days 3 --seed {seed}", *report.problems, str(report))
    )
    assert report.answered > 4 * report.told > 0
    assert report.faults > 0
    assert report.outages > 0


def test_the_same_seed_is_the_same_life() -> None:
    first, second = live(1, 5), live(1, 5)
    for counted in ("acts", "answered", "told", "requests", "connections", "faults", "outages", "problems"):
        assert getattr(first, counted) == getattr(second, counted)
