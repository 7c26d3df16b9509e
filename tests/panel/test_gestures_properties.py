"""Gestures under bouncing contacts and clocks that are late: what a hand did is what is reported."""

from hypothesis import given, settings
from hypothesis import strategies as st

from speakerd.panel.buttons.gestures import GestureRecognizer
from speakerd.panel.settings import GestureSettings
from speakerd.panel.types import Gesture

SETTINGS = GestureSettings(long="stop", long_ms=3000.0, stuck_s=20.0)
TAP, HOLD, LONG = (60, 300), (450, 2500), (3100, 8000)


@st.composite
def bounces(draw: st.DrawFn, at: float) -> list[float]:
    """Edges of a contact that changes at `at` ms and bounces for 1 to 20 ms: an odd number, alternating."""
    count = 2 * draw(st.integers(0, 6))
    over = draw(st.floats(1.0, 20.0))
    times = sorted(draw(st.lists(st.floats(0.05, over), min_size=count, max_size=count, unique=True)))
    return [at, *(at + time for time in times)]


@st.composite
def hands(draw: st.DrawFn) -> tuple[list[float], list[str]]:
    """What a hand does, in ms: presses that lie far enough apart or close enough together to be what they are."""
    edges: list[float] = []
    meant: list[str] = []
    at = draw(st.floats(0, 1000))
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["tap", "double", "hold", "long"]))
        lengths = {"tap": [TAP], "double": [TAP, TAP], "hold": [HOLD], "long": [LONG]}[kind]
        for index, (low, high) in enumerate(lengths):
            if index:
                at += draw(st.floats(60, 250))
            edges += draw(bounces(at))
            at += draw(st.floats(low, high))
            edges += draw(bounces(at))
        meant += {
            "tap": ["press_down", "tap"],
            "double": ["press_down", "double_tap"],
            "hold": ["press_down", "hold_start", "hold_end"],
            "long": ["press_down", "hold_start", "long_press", "hold_end"],
        }[kind]
        at += draw(st.floats(450, 3000))
    return edges, meant


def replay(edges: list[float], ticks: list[float]) -> list[Gesture]:
    """Alternating edges (ms), and the clock called at `ticks` (ms) and at the end."""
    recognizer = GestureRecognizer(SETTINGS)
    moments = [(at / 1000, True) for at in edges] + [(at / 1000, False) for at in ticks]
    moments.sort(key=lambda moment: moment[0])
    out: list[Gesture] = []
    pressed = True
    for at, is_edge in moments:
        if is_edge:
            out += recognizer.edge(pressed, at)
            pressed = not pressed
        else:
            out += recognizer.tick(at)
    out += recognizer.tick(edges[-1] / 1000 + 30)
    return out


@given(hands())
@settings(max_examples=400)
def test_bouncing_contacts_change_nothing_of_what_a_hand_meant(hand: tuple[list[float], list[str]]) -> None:
    edges, meant = hand
    assert [gesture.kind for gesture in replay(edges, [])] == meant


@given(hands(), st.lists(st.floats(0, 30_000), max_size=40))
@settings(max_examples=300)
def test_when_the_clock_is_called_changes_nothing(
    hand: tuple[list[float], list[str]], ticks: list[float]
) -> None:
    edges, _ = hand
    assert replay(edges, ticks) == replay(edges, [])


any_edges = st.lists(st.floats(0, 60_000, allow_nan=False), min_size=1, max_size=60, unique=True).map(sorted)


@given(any_edges)
@settings(max_examples=400)
def test_any_train_of_edges_gives_a_sensible_story(edges: list[float]) -> None:
    """Holds end, spikes and taps have a press before them, time does not run backwards by more than a debounce."""
    held = stuck = False
    presses = settled = 0
    for gesture in replay(edges, []):
        match gesture.kind:
            case "press_down":
                presses += 1
                assert not held
            case "hold_start":
                assert not held
                held = True
            case "hold_end":
                assert held
                held = False
            case "stuck":
                assert not held
                assert not stuck
                stuck = True
            case "unstuck":
                assert stuck
                stuck = False
            case "tap" | "spike" | "double_tap":
                settled += 1
                assert settled <= presses
    assert not held


@given(any_edges, st.lists(st.floats(0, 60_000), max_size=20))
@settings(max_examples=200)
def test_after_a_tick_nothing_is_overdue(edges: list[float], ticks: list[float]) -> None:
    recognizer = GestureRecognizer(SETTINGS)
    pressed = True
    for at in sorted([*edges, *ticks]):
        if at in edges:
            recognizer.edge(pressed, at / 1000)
            pressed = not pressed
        else:
            recognizer.tick(at / 1000)
        deadline = recognizer.deadline
        assert deadline is None or deadline > at / 1000
