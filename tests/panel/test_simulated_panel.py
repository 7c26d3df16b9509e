"""The scriptable panel, in real time and stepped."""

import threading

import pytest

from speakerd.panel.light_settings import LightSettings
from speakerd.panel.simulated import SimulatedPanel
from tests.panel.clock import Clock
from tests.panel.rigs import wait_until

DAY = LightSettings(night_from="")


class Edges:
    def __init__(self) -> None:
        self.seen: list[tuple[str, bool, float]] = []

    def __call__(self, name: str, pressed: bool, at: float) -> None:
        self.seen.append((name, pressed, at))


def test_a_tap_lets_go_by_itself() -> None:
    panel, edges = SimulatedPanel(DAY), Edges()
    panel.start(edges)
    panel.tap(0.03)
    wait_until(lambda: len(edges.seen) == 2, "press and release")
    panel.close()
    (_, _, down), (_, pressed, up) = edges.seen
    assert not pressed
    assert up - down >= 0.03


def test_closing_in_the_middle_of_a_tap_leaves_nothing_behind() -> None:
    before = threading.active_count()
    panel, edges = SimulatedPanel(DAY), Edges()
    panel.start(edges)
    panel.tap(60.0)
    panel.close()
    assert threading.active_count() <= before
    assert [pressed for _, pressed, _ in edges.seen] == [True]


def test_a_button_down_before_the_start_is_reported_at_the_start() -> None:
    panel, edges = SimulatedPanel(DAY), Edges()
    panel.press()
    panel.press("mute_switch")
    panel.start(edges)
    panel.close()
    assert [(name, pressed) for name, pressed, _ in edges.seen] == [("button", True), ("mute_switch", True)]


def test_stepped_it_moves_only_with_the_clock() -> None:
    clock = Clock()
    before = threading.active_count()
    panel, edges = SimulatedPanel(DAY, stepped=True, clock=clock), Edges()
    panel.start(edges)
    assert threading.active_count() <= before
    panel.show("idle")
    panel.tap(0.5)
    assert panel.step() == pytest.approx(clock.now + 0.5), "the release is due next: idle is steady"
    clock.advance(0.4)
    panel.step()
    assert len(edges.seen) == 1
    clock.advance(0.1)
    assert panel.step() is None
    assert edges.seen[-1] == ("button", False, clock.now)
    assert panel.states == ("starting", "idle")
    panel.close()
    assert panel.is_dark


def test_stepping_a_panel_that_runs_by_itself_is_refused() -> None:
    panel = SimulatedPanel(DAY)
    with pytest.raises(RuntimeError):
        panel.step()
    panel.start(lambda *_: None)
    with pytest.raises(RuntimeError):
        panel.step()
    panel.close()


def test_waiting_for_a_state_tells_what_was_shown_instead() -> None:
    panel = SimulatedPanel(DAY)
    with pytest.raises(TimeoutError, match="'nothing'"):
        panel.wait_for("idle", 0.01)
    panel.start(lambda *_: None)
    panel.show("muted")
    assert panel.wait_for("muted").frame.state == "muted"
    with pytest.raises(TimeoutError, match="'muted'"):
        panel.wait_for("speaking", 0.01)
    panel.close()


def test_a_listener_may_press_in_its_turn() -> None:
    panel = SimulatedPanel(DAY)
    seen: list[tuple[str, bool]] = []

    def listen(name: str, pressed: bool, _at: float) -> None:
        seen.append((name, pressed))
        if name == "button" and pressed:
            panel.press("volume_up")

    panel.start(listen)
    panel.press()
    panel.close()
    assert seen == [("button", True), ("volume_up", True)]
