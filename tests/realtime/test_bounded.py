from __future__ import annotations

from speakerd.realtime.bounded import BoundedDict, BoundedSet


def test_the_oldest_entries_go_when_there_are_too_many() -> None:
    known = BoundedDict[str, int](2)
    known["a"], known["b"] = 1, 2
    known["a"] = 3
    assert list(known.items()) == [("a", 3), ("b", 2)]
    known["c"] = 4
    assert known == {"b": 2, "c": 4}


def test_a_set_says_what_was_new_and_what_was_there() -> None:
    ids = BoundedSet[int](3)
    assert [ids.add(number) for number in (1, 2, 1, 3, 4)] == [True, True, False, True, True]
    assert list(ids) == [2, 3, 4]
    assert [ids.discard(number) for number in (2, 1)] == [True, False]
    assert len(ids) == 2
