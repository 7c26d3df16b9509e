"""An identity for what a server names badly."""

from __future__ import annotations

from itertools import count

from speakerd.realtime.bounded import BoundedDict
from speakerd.realtime.wire.identities import Identities, Names


def ids() -> Identities:
    made = count(1)
    return Identities(lambda: f"ours_{next(made)}")


def test_an_id_that_is_new_is_kept_and_means_the_same_on_both_sides() -> None:
    known = ids()
    names: Names = BoundedDict()
    assert known.of(names, "a", 0) == known.of(names, "a", 0) == known.latest("a") == known.theirs("a") == "a"
    assert not known.is_ambiguous("a")


def test_an_id_that_another_response_has_used_gets_one_of_ours() -> None:
    known = ids()
    first, second = BoundedDict[str | int, str](), BoundedDict[str | int, str]()
    assert known.of(first, "a", 0) == "a"
    assert known.of(second, "a", 0) == known.of(second, "a", 0) == "ours_1"
    assert known.of(first, "a", 0) == "a"
    assert known.theirs("ours_1") == "a"
    assert known.latest("a") == "ours_1"
    assert known.is_ambiguous("a")


def test_what_has_no_id_is_told_apart_by_its_place() -> None:
    known = ids()
    names: Names = BoundedDict()
    assert [known.of(names, "", place) for place in (0, 1, 0)] == ["ours_1", "ours_2", "ours_1"]
    assert known.theirs("ours_1") == ""


def test_an_id_that_comes_late_or_only_at_first_is_that_of_the_same_thing() -> None:
    known = ids()
    late, early = BoundedDict[str | int, str](), BoundedDict[str | int, str]()
    assert [known.of(late, theirs, 0) for theirs in ("", "a", "", "a")] == ["ours_1"] * 4
    assert known.theirs("ours_1") == "a"
    assert [known.of(early, theirs, 0) for theirs in ("b", "", "b")] == ["b"] * 3


def test_on_the_next_connection_an_old_id_means_itself_and_a_new_thing_of_that_id_has_one_of_ours() -> None:
    known = ids()
    for _ in range(2):
        known.of(BoundedDict(), "a", 0)
    known.connected()
    assert known.theirs("ours_1") == "ours_1"
    assert known.latest("a") == "a"
    assert known.of(BoundedDict(), "a", 0) == "ours_2"
