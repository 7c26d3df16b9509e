"""The plain words of the panel: what a button says and what a light may show. Imported by other rooms."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias, get_args

LightState: TypeAlias = Literal[
    "approval",
    "ringing",
    "starting",
    "connecting",
    "listening",
    "thinking",
    "speaking",
    "stopping",
    "error",
    "offline",
    "muted",
    "idle",
]
"""What the light can say, in order of precedence: of two that hold at once, the upper one is shown. When each holds
is the dialogue's business (`dialogue.light`), what it means and looks like is in `panel.looks`."""

LIGHT_STATES: Final[tuple[LightState, ...]] = get_args(LightState)

GestureKind: TypeAlias = Literal[
    "press_down",  # the contact closed: at once, before anyone knows what it will become
    "tap",  # it was a short press, and no second one followed in time
    "hold_start",  # it has been held for `hold_ms`
    "hold_end",  # a hold was let go (or the button is stuck: nothing stays open for ever)
    "double_tap",  # it was closed a second time in time (takes the place of that second press_down)
    "long_press",  # it has been held for `long_ms`
    "spike",  # the press_down was none: the contact was closed for less than `shortest_press_ms`
    "stuck",  # it has been down for `stuck_s`: a jammed button or a short circuit
    "unstuck",  # a stuck button came up again
    "mute_on",  # the mute switch is on (a level, not an edge: also sent at start-up)
    "mute_off",
    "volume_up",  # a volume button was pressed, or is held and repeats
    "volume_down",
]

GESTURE_KINDS: Final[tuple[GestureKind, ...]] = get_args(GestureKind)

ButtonName: TypeAlias = Literal["button", "mute_switch", "volume_up", "volume_down"]
"""The inputs a panel may have; `on_edge` names one of them."""

Pin: TypeAlias = Annotated[int | str, 'a pin: 17, "GPIO17" or "BOARD11"']
"""A GPIO number (BCM), a name such as "GPIO17" or "BOARD11", or "" for none; in words for who sets it."""


@dataclass(frozen=True, slots=True)
class Gesture:
    """Something a hand did."""

    kind: GestureKind
    at: float
    """Monotonic seconds of the edge or of the moment at which a time ran out; for `tap`, `hold_start`,
    `hold_end`, `long_press` and `spike` see `pressed_at` for the beginning."""
    pressed_at: float | None = None
    """When the press that this belongs to began, for gestures of the main button."""
