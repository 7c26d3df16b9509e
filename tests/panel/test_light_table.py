"""Every row of the light table, over time: on the simulated panel, and on RGB, dimmed and plain LEDs on mock pins."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations, product
from typing import get_args

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from speakerd.panel.gpio.lamps import LedLamp, PwmLamp, RgbLamp
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.lights.render_thread import Renderer
from speakerd.panel.looks import TABLE
from speakerd.panel.patterns import Look, Pattern, value
from speakerd.panel.simulated import SimulatedPanel
from speakerd.panel.types import LIGHT_STATES, LightState
from tests.panel.clock import Clock
from tests.panel.rows import LOUD, RGB, ROWS

DAY = LightSettings(night_from="")
RED, GREEN, BLUE, DIMMED, PLAIN = 5, 6, 13, 19, 26


def no_edges(_name: str, _pressed: bool, _at: float) -> None:
    raise AssertionError("nobody pressed")


def other(state: LightState) -> LightState:
    """A state to come from, so that `state` begins at a known moment."""
    return "idle" if state != "idle" else "error"


def duty(brightness: float, part: int = 255) -> float:
    """Power for the eye: the formula of the settings, by hand."""
    return float((brightness * part / 255) ** 2.2)


def test_there_is_a_row_by_hand_for_every_pattern_and_every_colour() -> None:
    assert {TABLE[state].look.pattern for state in ROWS} == set(get_args(Pattern))
    assert {TABLE[state].look.color for state in RGB} == {row.look.color for row in TABLE.values()}
    assert set(ROWS) == set(RGB)


def test_every_state_has_a_look_and_words_for_it() -> None:
    assert tuple(TABLE) == LIGHT_STATES
    assert all(row.meaning and row.plain for row in TABLE.values()), (
        "say of each what it means and how it looks"
    )


@pytest.mark.parametrize("state", ROWS)
def test_the_simulated_panel_shows_the_row(state: LightState) -> None:
    clock = Clock()
    panel = SimulatedPanel(DAY, stepped=True, clock=clock)
    panel.start(no_edges)
    panel.show(other(state))
    clock.advance(1.0)
    panel.show(state)
    begun = clock.now
    for at, brightness in ROWS[state]:
        clock.now = begun + at
        panel.step()
        shown = panel.record[-1]
        assert (shown.at, shown.frame.state) == (clock.now, state)
        assert shown.frame.brightness == pytest.approx(brightness, abs=0.006), f"{at} s into {state}"
    panel.close()


@pytest.mark.parametrize("state", LIGHT_STATES)
def test_the_words_for_a_plain_led_name_the_period_of_the_look(state: LightState) -> None:
    row = TABLE[state]
    for seconds in re.findall(r"each ([0-9.]+) s", row.plain):
        assert float(seconds) == row.look.period_s


@pytest.mark.parametrize("state", sorted(LOUD))
def test_the_simulated_panel_follows_the_level(state: LightState) -> None:
    clock = Clock()
    panel = SimulatedPanel(DAY, stepped=True, clock=clock)
    panel.start(no_edges)
    panel.show(state)
    for _ in range(5):
        panel.set_level(-12.0)
        clock.advance(0.1)
        panel.step()
    assert panel.record[-1].frame.brightness == pytest.approx(LOUD[state], abs=0.01)
    clock.advance(2.0)
    panel.step()
    assert panel.record[-1].frame.brightness == pytest.approx(ROWS[state][0][1], abs=0.01)
    panel.close()


class PinStand:
    """A renderer stepped by hand, on an RGB LED, a dimmed LED and a plain one at once, all on mock pins."""

    def __init__(self, light: LightSettings = DAY, minute: int = 720) -> None:
        self.pins = MockFactory(pin_class=MockPWMPin)
        self.clock = Clock()
        lamps = (
            RgbLamp((RED, GREEN, BLUE), light, self.pins),
            PwmLamp(DIMMED, light, self.pins),
            LedLamp(PLAIN, light, self.pins),
        )
        self.renderer = Renderer(light, lamps, clock=self.clock, minute_of_day=lambda: minute)

    def value(self, pin: int) -> float:
        return float(self.pins.pin(pin).state)

    def begin(self, state: LightState) -> float:
        self.renderer.show(other(state))
        self.clock.advance(1.0)
        self.renderer.show(state)
        return self.clock.now


@pytest.fixture
def stand() -> Iterator[PinStand]:
    made = PinStand()
    yield made
    made.renderer.close()


@pytest.mark.parametrize("state", ROWS)
def test_rgb_pins_show_the_row_in_colour_and_power(stand: PinStand, state: LightState) -> None:
    begun = stand.begin(state)
    for at, brightness in ROWS[state]:
        stand.clock.now = begun + at
        stand.renderer.draw()
        for pin, part in zip((RED, GREEN, BLUE), RGB[state], strict=True):
            # One percent is lgpio's step, and the least that a light which is on may show.
            assert stand.value(pin) == pytest.approx(duty(brightness, part), abs=0.0155), (
                f"{at} s into {state}"
            )


@pytest.mark.parametrize("state", ROWS)
def test_a_dimmed_led_shows_the_row_without_colour(stand: PinStand, state: LightState) -> None:
    begun = stand.begin(state)
    for at, brightness in ROWS[state]:
        stand.clock.now = begun + at
        stand.renderer.draw()
        assert stand.value(DIMMED) == pytest.approx(duty(brightness), abs=0.0155), f"{at} s into {state}"
        assert (stand.value(DIMMED) > 0) == (brightness > 0.001), "what shall glow glows"


def plain_track(state: LightState, seconds: float = 12.0) -> str:
    """What a plain LED does: one character for each 20 ms."""
    stand = PinStand()
    begun = stand.begin(state)
    track = ""
    for tick in range(int(seconds * 50)):
        # In the middle of each 20 ms, away from edges.
        stand.clock.now = begun + tick * 0.02 + 0.01
        if state == "speaking" and tick % 5 == 0:
            stand.renderer.set_level(-12.0 if tick % 20 < 10 else -60.0)
        stand.renderer.draw()
        track += "#" if stand.value(PLAIN) else "."
    stand.renderer.close()
    return track


def runs(track: str) -> list[tuple[str, float]]:
    """(lit or dark, seconds) of the track's pieces, without the unfinished last one."""
    out: list[tuple[str, float]] = []
    start = 0
    for i in range(1, len(track)):
        if track[i] != track[start]:
            out.append((track[start], round((i - start) * 0.02, 2)))
            start = i
    return out


def pieces(state: LightState) -> list[tuple[str, float]]:
    """The runs of a state's track, to the nearest 0.05 s: a stopwatch's accuracy."""
    return [(kind, round(20 * seconds) / 20) for kind, seconds in runs(plain_track(state))]


def test_a_plain_led_tells_what_the_table_says_it_tells() -> None:
    assert plain_track("idle") == "." * 600
    assert plain_track("listening") == "#" * 600
    assert pieces("stopping") == [("#", 0.5)]
    assert pieces("approval")[:4] == [("#", 1.05), (".", 0.35), ("#", 1.05), (".", 0.35)]
    assert pieces("ringing")[:4] == [("#", 0.2), (".", 0.2), ("#", 0.2), (".", 0.2)]
    assert pieces("starting")[:4] == [(".", 0.75), ("#", 1.5), (".", 1.5), ("#", 1.5)]
    assert pieces("connecting")[:3] == [(".", 0.25), ("#", 0.5), (".", 0.5)]
    assert [kind for kind, _ in pieces("error")[:6]] == ["#", ".", "#", ".", "#", "."]
    assert pieces("error")[5] == (".", 1.6)
    assert pieces("muted")[:2] == [("#", 0.1), (".", 2.9)]
    two = pieces("offline")[:5]
    assert [kind for kind, _ in two] == [".", "#", ".", "#", "."]
    assert two[2][1] < 0.5 < two[4][1]
    assert {seconds <= 0.3 for kind, seconds in pieces("thinking") if kind == "#"} == {True}
    assert len([1 for kind, _ in pieces("speaking") if kind == "#"]) > 20


def shares(track: str) -> tuple[float, int]:
    """How much of the time it is lit, and how often it flashes in twelve seconds."""
    kinds = [kind for kind, _ in runs(track)]
    return round(track.count("#") / len(track), 1), kinds.count("#")


def look_alike(one: tuple[float, int], two: tuple[float, int]) -> bool:
    (lit, flashes), (lit2, flashes2) = one, two
    never = 0 in {flashes, flashes2} and flashes != flashes2
    return not never and abs(lit - lit2) < 0.1 and abs(flashes - flashes2) < 3


def free_blinks(taken: Iterable[tuple[float, int]]) -> list[str]:
    """Blinks that look like none of these and do not flash too fast: for a new light."""
    found = []
    for flashes, period_s, flash_s in product(
        (1, 2, 3), (0.6, 0.8, 1.0, 1.2, 1.6, 2.4, 3.0, 4.0), (0.2, 0.5, 1.0)
    ):
        if flashes * flash_s * 2 > period_s or flashes / period_s > 2:
            continue
        look = Look("blink", "white", period_s=period_s, flashes=flashes, flash_s=flash_s)
        track = "".join("#" if value(look, tick * 0.02 + 0.01, 0.0) > 0.5 else "." for tick in range(600))
        if not any(look_alike(shares(track), other) for other in taken):
            found.append(f"flashes={flashes}, period_s={period_s}, flash_s={flash_s}")
    return found


def test_no_two_states_look_alike_on_a_plain_led() -> None:
    seen = {state: shares(plain_track(state)) for state in LIGHT_STATES}
    free = free_blinks(seen.values())
    assert free, "there is no room for a further light"
    for one, two in combinations(LIGHT_STATES, 2):
        assert not look_alike(seen[one], seen[two]), (
            f"{one} and {two}: {seen[one]}, {seen[two]}; these are free: {free}"
        )


def test_muted_and_listening_differ_in_time_on_every_light() -> None:
    """Neither a colour nor a brightness is needed: one is on all the time, the other dark nearly all the time."""
    assert plain_track("listening").count("#") == 600
    assert plain_track("muted").count(".") > 570


def test_nothing_flashes_faster_than_three_times_a_second() -> None:
    for state in LIGHT_STATES:
        if state == "speaking":
            continue
        track = plain_track(state)
        rises = [i for i in range(1, len(track)) if track[i - 1 : i + 1] == ".#"]
        for i, first in enumerate(rises):
            assert sum(first <= later < first + 50 for later in rises[i:]) <= 3, state


def test_closing_darkens_and_frees_the_pins(stand: PinStand) -> None:
    stand.begin("listening")
    stand.renderer.draw()
    assert stand.value(RED) + stand.value(GREEN) + stand.value(BLUE) > 0
    stand.renderer.close()
    assert [stand.value(pin) for pin in (RED, GREEN, BLUE, DIMMED, PLAIN)] == [0, 0, 0, 0, 0]
    assert not any(stand.pins._reservations.values())


def test_a_common_anode_is_driven_the_other_way_round() -> None:
    stand = PinStand(replace(DAY, active_high=False))
    stand.begin("listening")
    stand.renderer.draw()
    assert stand.value(BLUE) == pytest.approx(1 - duty(0.55), abs=0.0155)
    assert stand.value(PLAIN) == 0
    stand.renderer.close()


def test_night_dims_all_but_the_plain_led() -> None:
    stand = PinStand(LightSettings(night_brightness=0.4), minute=23 * 60)
    stand.begin("listening")
    stand.renderer.draw()
    assert stand.value(DIMMED) == pytest.approx(duty(0.55 * 0.4), abs=0.0155)
    assert stand.value(PLAIN) == 1
    stand.renderer.close()


def test_a_night_of_brightness_zero_darkens_the_plain_led_too() -> None:
    stand = PinStand(LightSettings(night_brightness=0), minute=23 * 60)
    stand.begin("listening")
    stand.renderer.draw()
    assert (stand.value(DIMMED), stand.value(PLAIN)) == (0, 0)
    stand.renderer.close()


def test_a_steady_light_writes_its_pins_once(stand: PinStand) -> None:
    stand.begin("idle")
    stand.renderer.draw()
    pin = stand.pins.pin(DIMMED)
    pin.clear_states()
    for _ in range(20):
        stand.clock.advance(1.0)
        assert stand.renderer.draw() is None
    assert len(pin.states) == 1
