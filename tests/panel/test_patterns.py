"""The pure part of the light: patterns, levels, colours, power, night, and when a frame is due."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.panel.colors import NAMED, parse_color
from speakerd.panel.frames import Frame, apa102, mono, night_factor, rgb
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.lights.animator import Animator, LevelFollower
from speakerd.panel.looks import TABLE, describe, look_of, table_markdown, voice_dbfs
from speakerd.panel.patterns import Look, LookChange, Pattern, next_change, value
from speakerd.panel.types import LIGHT_STATES, LightState

PATTERNS: tuple[Pattern, ...] = ("steady", "blink", "breathe", "pulse", "heartbeat", "level", "fade")
FRAME_S = 1 / 30

looks = st.builds(
    Look,
    pattern=st.sampled_from(PATTERNS),
    color=st.just("white"),
    floor=st.floats(0, 1),
    period_s=st.floats(3, 20),
    flashes=st.integers(1, 3),
    flash_s=st.floats(0.17, 0.5),
)
times = st.floats(0, 1e6)


@given(looks, times, st.floats(-1, 2))
def test_every_pattern_stays_between_its_floor_and_its_peak(look: Look, at: float, level: float) -> None:
    assert look.floor - 1e-9 <= value(look, at, level) <= 1 + 1e-9


@given(looks, times)
def test_the_next_change_lies_ahead_and_within_the_period(look: Look, at: float) -> None:
    due = next_change(look, at, FRAME_S)
    if due is not None:
        assert at < due <= at + max(look.period_s, FRAME_S) + 1e-6


@given(looks, st.floats(0, 1000))
def test_nothing_changes_before_the_next_change(look: Look, at: float) -> None:
    """For the patterns that sleep: what is seen at any moment before the announced one is what is seen now."""
    if look.pattern not in {"steady", "blink"}:
        return
    due = next_change(look, at, FRAME_S)
    until = at + 100 if due is None else due
    for part in (0.25, 0.5, 0.9):
        assert value(look, at + (until - at) * part) == value(look, at)


@given(st.sampled_from(sorted(LIGHT_STATES)), st.floats(0, 1e5))
def test_following_the_next_changes_never_misses_an_edge(state: LightState, begin: float) -> None:
    """A renderer that sleeps exactly until what it was told sees each flash of a blink, without rounding gaps."""
    look = TABLE[state].look
    if look.pattern != "blink":
        return
    seen, at = [], begin
    for _ in range(4 * look.flashes):
        seen.append(value(look, at))
        at = next_change(look, at, FRAME_S) or math.inf
    assert all(one != two for one, two in pairwise(seen))


def test_a_steady_light_and_a_finished_fade_ask_for_no_frame() -> None:
    assert next_change(Look("steady", "white"), 5.0, FRAME_S) is None
    fade = Look("fade", "white", period_s=1.0)
    assert next_change(fade, 0.99, FRAME_S) == 1.0
    assert next_change(fade, 1.0, FRAME_S) is None


def test_a_heart_sleeps_between_its_beats() -> None:
    heart = Look("heartbeat", "white", period_s=2.0)
    assert next_change(heart, 0.1, FRAME_S) == pytest.approx(0.1 + FRAME_S)
    assert next_change(heart, 1.0, FRAME_S) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("flashes", "flash_s", "period_s", "word"),
    [(3, 0.2, 0.9, "fit"), (1, 0.5, 0.5, "fit"), (2, 0.1, 2.0, "three flashes a second")],
)
def test_an_impossible_or_harmful_blink_is_refused(
    flashes: int, flash_s: float, period_s: float, word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        Look("blink", "red", period_s=period_s, flashes=flashes, flash_s=flash_s)


# --- level ---


def test_a_level_rises_quickly_falls_slowly_and_ends_when_reports_end() -> None:
    follower = LevelFollower(-50, -10)
    follower.report(-10, 0.0)
    assert follower.value(0.05) > 0.65
    assert follower.value(0.3) > 0.99
    follower.report(-60, 0.3)
    assert 0.3 < follower.value(0.4) < 0.65
    follower.report(-10, 0.4)
    assert follower.value(0.85) > 0.99, "the report still stands"
    assert follower.value(2.0) < 0.01, "it is stale, and the light has gone down"


@given(st.lists(st.tuples(st.floats(-100, 10), st.floats(0, 1)), max_size=20))
def test_a_followed_level_stays_within_zero_and_one(reports: list[tuple[float, float]]) -> None:
    follower, now = LevelFollower(-50, -12), 0.0
    for dbfs, pause in reports:
        follower.report(dbfs, now)
        now += pause
        assert 0.0 <= follower.value(now) <= 1.0


def test_silence_of_minus_infinity_is_dark() -> None:
    follower = LevelFollower(-50, -12)
    follower.report(-math.inf, 0.0)
    assert follower.value(0.2) == 0.0


def test_a_new_state_does_not_inherit_the_old_level() -> None:
    animator = Animator(LightSettings(night_from=""), "listening", 0.0)
    animator.level(-12, 0.0)
    assert animator.frame(0.4, 0).brightness > 0.95
    assert animator.show("speaking", 0.4)
    assert animator.frame(0.4, 0).brightness == pytest.approx(0.15)


def test_showing_the_same_state_again_lets_the_pattern_run_on() -> None:
    animator = Animator(LightSettings(night_from=""), "error", 0.0)
    assert not animator.show("error", 0.25)
    assert animator.frame(0.25, 0).brightness == 0.0


# --- power and colour ---


def frame(brightness: float, color: str = "white") -> Frame:
    return Frame("idle", is_lit=True, brightness=brightness, color=parse_color(color))


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1, 4))
def test_brighter_never_takes_less_power(one: float, two: float, gamma: float) -> None:
    low, high = sorted((one, two))
    assert 0 <= mono(frame(low), gamma) <= mono(frame(high), gamma) <= 1


def test_half_as_bright_takes_a_fifth_of_the_power() -> None:
    assert mono(frame(0.5), 2.2) == pytest.approx(0.2176, abs=1e-4)
    assert mono(frame(0.5), 1.0) == 0.5


def test_colour_is_corrected_like_brightness() -> None:
    assert rgb(frame(1.0, "#ff8000"), 2.2) == pytest.approx((1.0, 0.2195, 0.0), abs=1e-3)
    assert rgb(frame(0.5, "#ff8000"), 2.2)[0] == pytest.approx(0.2176, abs=1e-4)


@pytest.mark.parametrize("text", ["", "rot", "#12345", "#12345g", "12345678", "#ffffff0"])
def test_what_is_no_colour_is_refused_with_the_names_there_are(text: str) -> None:
    with pytest.raises(ValueError, match="one of white"):
        parse_color(text)


def test_every_named_colour_is_one() -> None:
    assert len({parse_color(name) for name in NAMED}) == len(NAMED)
    assert parse_color(" Red ") == (1.0, 0.0, 0.0)


def test_a_strip_gets_start_leds_and_enough_clocks_to_reach_the_last() -> None:
    data = apa102(frame(1.0, "#ff8000"), 1.0, leds=3, current=8)
    assert data[:4] == bytes(4)
    assert data[4:16] == bytes((0xE8, 0, 128, 255)) * 3
    assert data[16:] == bytes(len(data) - 16)
    # A level that changes passes one LED for each half clock: n LEDs need n/2 more clocks, one bit each.
    for leds in (1, 3, 16, 17, 300):
        end = len(apa102(frame(1.0), 1.0, leds=leds, current=31)) - 4 - 4 * leds
        assert (end - 4) * 8 >= leds / 2
        assert end - 4 <= leds / 16 + 1


# --- night ---


@pytest.mark.parametrize(
    ("minute", "begins", "ends", "dimmed"),
    [
        (22 * 60, "22:00", "07:00", True),
        (21 * 60 + 59, "22:00", "07:00", False),
        (0, "22:00", "07:00", True),
        (7 * 60 - 1, "22:00", "07:00", True),
        (7 * 60, "22:00", "07:00", False),
        (13 * 60, "13:00", "14:00", True),
        (14 * 60, "13:00", "14:00", False),
        (12 * 60, "13:00", "14:00", False),
        (0, "", "07:00", False),
        (0, "22:00", "", False),
        (480, "08:00", "08:00", False),
    ],
)
def test_night_by_the_clock(minute: int, begins: str, ends: str, dimmed: bool) -> None:
    assert night_factor(minute, begins=begins, ends=ends, factor=0.3) == (0.3 if dimmed else 1.0)


def test_a_steady_light_looks_at_the_clock_now_and_then_only_if_there_is_a_night() -> None:
    assert Animator(LightSettings(), "idle", 0.0).next_change(5.0) == 65.0
    assert Animator(LightSettings(night_from=""), "idle", 0.0).next_change(5.0) is None
    assert Animator(LightSettings(night_brightness=1), "idle", 0.0).next_change(5.0) is None


# --- settings ---


@pytest.mark.parametrize(
    "make",
    [
        lambda: LightSettings(rgb_pins=(1, 2)),
        lambda: LightSettings(night_from="25:00"),
        lambda: LightSettings(night_to="7:00"),
        lambda: LightSettings(level_from_dbfs=-10, level_to_dbfs=-20),
        lambda: LookChange(color="nocolour"),
        lambda: LightSettings(states={"error": LookChange(period_s=0.5)}),
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError):
        make()


def test_a_change_touches_only_what_it_names() -> None:
    settings = LightSettings(states={"listening": LookChange(color="green", brightness=0.5)})
    look = look_of("listening", settings.states)
    assert (look.color, look.brightness) == ("green", 0.5)
    assert (look.pattern, look.floor) == (TABLE["listening"].look.pattern, TABLE["listening"].look.floor)
    assert look_of("speaking", settings.states) == TABLE["speaking"].look


def test_a_change_that_makes_an_impossible_look_names_its_key() -> None:
    with pytest.raises(ValueError, match=r"panel\.light\.states\.error"):
        LightSettings(states={"error": LookChange(period_s=0.5)})


def test_the_table_for_the_readme_has_a_row_for_each_state() -> None:
    text = table_markdown()
    for state, row in TABLE.items():
        assert f"| {state} | {row.meaning} |" in text
    assert len(text.splitlines()) == 2 + len(TABLE)
    changed = table_markdown({"idle": LookChange(color="green")})
    assert "green, a faint steady glow" in changed
    assert "as set in panel.light.states" in changed


def test_the_table_stands_in_the_order_of_precedence() -> None:
    order = list(TABLE)
    for higher, lower in pairwise(("approval", "ringing", "listening", "error", "offline", "muted", "idle")):
        assert order.index(higher) < order.index(lower)  # type: ignore[arg-type]  # names of states, as strings


def test_looks_are_told_in_words() -> None:
    assert describe(Look("blink", "red", period_s=2, flashes=2)) == "red, two flashes each 2 s"
    assert describe(Look("steady", "blue")) == "blue, steady"


def test_the_demonstration_voice_has_syllables_and_breaths() -> None:
    levels = [voice_dbfs(i / 10) for i in range(48)]
    assert max(levels) > -15
    assert min(levels) == -70.0
