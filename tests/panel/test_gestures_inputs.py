import random
from collections.abc import Iterable
from typing import Any, get_args

import pytest

from speakerd.panel.buttons.inputs import MOST_REPEATS, Inputs
from speakerd.panel.settings import ButtonSettings, GestureSettings
from speakerd.panel.types import GESTURE_KINDS, ButtonName, Gesture


@pytest.fixture
def inputs() -> Inputs:
    return Inputs(GestureSettings())


def run(inputs: Inputs, until: float) -> list[Gesture]:
    out: list[Gesture] = []
    while (deadline := inputs.deadline) is not None and deadline <= until:
        out += inputs.tick(deadline)
    return out


def kinds(gestures: Iterable[Gesture]) -> list[str]:
    return [gesture.kind for gesture in gestures]


def test_each_input_speaks_for_itself(inputs: Inputs) -> None:
    assert kinds(inputs.edge("button", True, 0.0)) == ["press_down"]
    assert kinds(inputs.edge("volume_up", True, 0.1)) == ["volume_up"]
    assert kinds(inputs.edge("volume_down", True, 0.2)) == ["volume_down"]
    assert kinds(inputs.edge("mute_switch", True, 0.3)) == ["mute_on"]


def test_an_input_nobody_knows_is_a_fault(inputs: Inputs) -> None:
    with pytest.raises(KeyError):
        inputs.edge("doorbell", True, 0.0)


def test_every_gesture_there_is_comes_of_some_presses() -> None:
    """Presses and pauses of all lengths, of all buttons: what none of them makes, no hand can make."""
    rng = random.Random(5)
    made: set[str] = set()
    for button in get_args(ButtonName):
        inputs = Inputs(GestureSettings(press="mute", hold="talk", double="mute", long="stop"))
        now = 0.0
        for _ in range(400):
            pressed_at, released_at = now, now + rng.choice([0.005, 0.1, 0.8, 4.0, 70.0])
            now = released_at + rng.choice([0.05, 0.15, 0.3, 2.0])
            made |= set(kinds([*run(inputs, pressed_at), *inputs.edge(button, True, pressed_at)]))
            made |= set(kinds([*run(inputs, released_at), *inputs.edge(button, False, released_at)]))
    assert made == set(GESTURE_KINDS)


def test_the_mute_switch_shuts_at_its_first_contact_and_opens_once_it_is_sure(inputs: Inputs) -> None:
    assert kinds(inputs.edge("mute_switch", True, 0.0)) == ["mute_on"]
    assert inputs.edge("mute_switch", False, 0.004) == ()
    assert inputs.edge("mute_switch", True, 0.006) == ()
    assert inputs.edge("mute_switch", False, 5.0) == ()
    gestures = run(inputs, 6.0)
    assert kinds(gestures) == ["mute_off"]
    assert gestures[0].at == pytest.approx(5.025)


def test_a_held_volume_button_repeats_after_a_while_and_stops_at_its_release(inputs: Inputs) -> None:
    out = list(inputs.edge("volume_up", True, 0.0)) + run(inputs, 1.0)
    assert [round(gesture.at, 3) for gesture in out] == [0.0, 0.5, 0.65, 0.8, 0.95]
    assert inputs.edge("volume_up", False, 1.0) == ()
    assert run(inputs, 5.0) == []
    assert inputs.deadline is None


def test_a_tapped_volume_button_is_one_step_whatever_it_bounces(inputs: Inputs) -> None:
    out: list[Gesture] = []
    for pressed, at in (
        (True, 0.0),
        (False, 0.002),
        (True, 0.003),
        (False, 0.1),
        (True, 0.104),
        (False, 0.106),
    ):
        out += inputs.edge("volume_down", pressed, at)
    out += run(inputs, 5.0)
    assert kinds(out) == ["volume_down"]


def test_a_jammed_volume_button_falls_silent(inputs: Inputs) -> None:
    inputs.edge("volume_up", True, 0.0)
    assert len(run(inputs, 1e6)) == MOST_REPEATS
    assert inputs.deadline is None


def test_a_clock_called_late_repeats_once_not_in_a_burst(inputs: Inputs) -> None:
    inputs.edge("volume_up", True, 0.0)
    assert len(inputs.tick(10.0)) == 1


def test_gestures_of_several_inputs_come_in_order_of_time(inputs: Inputs) -> None:
    inputs.edge("mute_switch", True, 0.0)
    inputs.edge("button", True, 0.1)
    inputs.edge("mute_switch", False, 0.49)
    assert kinds(inputs.tick(1.0)) == ["hold_start", "mute_off"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"active": "low", "pull": "down"},
        {"active": "high", "pull": "up"},
        {"mute_switch_active": "high", "mute_switch_pull": "up"},
    ],
)
def test_a_resistor_that_would_press_the_button_for_ever_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="for ever"):
        ButtonSettings(**wrong)
