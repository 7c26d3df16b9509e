from collections.abc import Iterable
from typing import Any

import pytest

from speakerd.panel.buttons.gestures import GestureRecognizer
from speakerd.panel.settings import GestureSettings
from speakerd.panel.types import Gesture

MS = 0.001


def play(settings: GestureSettings, *edges: float, until: float = 200.0) -> list[Gesture]:
    """Feed edges given as milliseconds (closed, opened, closed, ...); what came of them, with the clock exact."""
    recognizer = GestureRecognizer(settings)
    out: list[Gesture] = []
    pressed = True
    for ms in edges:
        out += clock(recognizer, ms * MS)
        out += recognizer.edge(pressed, ms * MS)
        pressed = not pressed
    out += clock(recognizer, until)
    return out


def clock(recognizer: GestureRecognizer, until: float) -> list[Gesture]:
    """Call `tick` at each deadline up to `until`, as the daemon does."""
    out: list[Gesture] = []
    for _ in range(100):
        deadline = recognizer.deadline
        if deadline is None or deadline > until:
            return out
        out += recognizer.tick(deadline)
    raise AssertionError("the deadline does not move")


def kinds(gestures: Iterable[Gesture]) -> list[str]:
    return [gesture.kind for gesture in gestures]


def at_ms(gestures: Iterable[Gesture], kind: str) -> list[float]:
    return [round(gesture.at / MS, 3) for gesture in gestures if gesture.kind == kind]


PLAIN = GestureSettings()
QUICK = GestureSettings(double="none")
FREE = GestureSettings(hold="none", long="none", double="none")
LONG = GestureSettings(long="stop", long_ms=2000.0)
LONG_ONLY = GestureSettings(hold="none", long="stop", long_ms=2000.0)


@pytest.mark.parametrize(
    ("settings", "edges", "expected"),
    [
        (PLAIN, (0, 120), ["press_down", "tap"]),
        (PLAIN, (0, 120, 300, 400), ["press_down", "double_tap"]),
        (PLAIN, (0, 120, 421, 500), ["press_down", "tap", "press_down", "tap"]),
        (PLAIN, (0, 900), ["press_down", "hold_start", "hold_end"]),
        (PLAIN, (0, 120, 300, 2000), ["press_down", "double_tap"]),
        (PLAIN, (0, 120, 300, 400, 500, 600), ["press_down", "double_tap", "press_down", "tap"]),
        (PLAIN, (0, 9000), ["press_down", "hold_start", "hold_end"]),
        (QUICK, (0, 120), ["press_down", "tap"]),
        (QUICK, (0, 120, 200, 300), ["press_down", "tap", "press_down", "tap"]),
        (FREE, (0, 5000), ["press_down", "tap"]),
        (LONG, (0, 3000), ["press_down", "hold_start", "long_press", "hold_end"]),
        (LONG_ONLY, (0, 3000), ["press_down", "long_press"]),
        (LONG_ONLY, (0, 1900), ["press_down", "tap"]),
        (PLAIN, (0, 70_000), ["press_down", "hold_start", "hold_end", "stuck", "unstuck"]),
        (FREE, (0, 70_000), ["press_down", "stuck", "unstuck"]),
        (PLAIN, (0,), ["press_down", "hold_start", "hold_end", "stuck"]),
        (PLAIN, (0, 5), ["press_down", "spike"]),
        (PLAIN, (0, 120, 300, 303), ["press_down", "tap"]),
    ],
)
def test_edges_become_gestures(
    settings: GestureSettings, edges: tuple[float, ...], expected: list[str]
) -> None:
    assert kinds(play(settings, *edges)) == expected


def test_a_press_is_reported_at_its_first_edge() -> None:
    recognizer = GestureRecognizer(PLAIN)
    assert recognizer.edge(pressed=True, now=5.0) == (Gesture("press_down", 5.0, 5.0),)


def test_a_tap_is_known_at_release_when_double_presses_mean_nothing() -> None:
    assert at_ms(play(QUICK, 0, 120), "tap") == [145.0]


def test_a_tap_waits_for_the_double_press_time_counted_from_its_release() -> None:
    assert at_ms(play(PLAIN, 0, 120), "tap") == [420.0]


def test_a_double_press_is_known_once_the_second_press_can_be_no_spike() -> None:
    assert at_ms(play(PLAIN, 0, 120, 300, 400), "double_tap") == [308.0]


def test_a_hold_ends_at_the_time_of_its_release_although_certain_only_later() -> None:
    assert at_ms(play(PLAIN, 0, 1000), "hold_end") == [1000.0]


def test_every_gesture_of_a_press_knows_when_it_began() -> None:
    gestures = play(PLAIN, 100, 1000, 2000, 2100)
    assert [gesture.pressed_at for gesture in gestures] == [0.1, 0.1, 0.1, 2.0, 2.0]


def test_a_release_too_short_to_be_one_does_not_end_a_hold() -> None:
    assert kinds(play(PLAIN, 0, 1000, 1010, 1500)) == ["press_down", "hold_start", "hold_end"]
    assert at_ms(play(PLAIN, 0, 1000, 1010, 1500), "hold_end") == [1500.0]


def test_a_hold_time_that_passes_during_a_bounce_counts_once_closed_again() -> None:
    assert at_ms(play(PLAIN, 0, 395, 405, 900), "hold_start") == [405.0]


def test_a_release_before_the_hold_time_is_a_tap_although_certain_after_it() -> None:
    assert kinds(play(PLAIN, 0, 395)) == ["press_down", "tap"]


def test_a_level_that_is_already_known_changes_nothing() -> None:
    recognizer = GestureRecognizer(PLAIN)
    assert recognizer.edge(pressed=False, now=0.0) == ()
    recognizer.edge(pressed=True, now=1.0)
    assert recognizer.edge(pressed=True, now=1.1) == ()
    assert recognizer.is_pressed


def test_a_stuck_button_is_reported_once_and_what_it_held_open_is_closed() -> None:
    gestures = play(PLAIN, 0, until=10_000.0)
    assert kinds(gestures) == ["press_down", "hold_start", "hold_end", "stuck"]
    assert at_ms(gestures, "stuck") == [60_000.0]


def test_without_a_shortest_press_there_are_no_spikes_and_a_double_is_known_at_its_edge() -> None:
    settings = GestureSettings(shortest_press_ms=0.0)
    assert at_ms(play(settings, 0, 120, 300, 400), "double_tap") == [300.0]
    assert kinds(play(settings, 0, 1)) == ["press_down", "tap"]


def test_nothing_is_due_while_the_button_is_up() -> None:
    recognizer = GestureRecognizer(PLAIN)
    assert recognizer.deadline is None
    recognizer.edge(pressed=True, now=0.0)
    recognizer.edge(pressed=False, now=0.1)
    clock(recognizer, 5.0)
    assert recognizer.deadline is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"debounce_ms": 200.0, "double_tap_ms": 150.0},
        {"shortest_press_ms": 200.0, "hold_ms": 150.0},
        {"long": "stop", "long_ms": 500.0, "hold_ms": 600.0},
        {"stuck_s": 2.0, "hold_ms": 3000.0},
    ],
)
def test_times_that_cannot_be_told_apart_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        GestureSettings(**wrong)
