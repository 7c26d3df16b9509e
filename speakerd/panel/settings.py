"""Settings of the panel: which pins there are, how long gestures last, and what they mean.

What differs between boards is in `ButtonSettings` (`[panel.button]`), what differs between people in
`GestureSettings` (`[panel.gestures]`), and how the light looks in `LightSettings` (`[panel.light]`).
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Le

from speakerd.panel.light_settings import LightSettings
from speakerd.panel.types import Pin

TapAction = Literal["conversation", "mute", "stop", "none"]
"""What a short gesture can do: start or end a conversation, mute or unmute, silence everything, or nothing."""

HoldAction = Literal["talk", "conversation", "mute", "stop", "none"]
"""What holding can do; `talk` is push-to-talk: it listens while held and answers on release."""


@dataclass(frozen=True, slots=True)
class ButtonSettings:
    """`[panel.button]`: the inputs and how they are wired. One pin is enough for everything."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    pin: Pin = ""
    """The button: a GPIO number, "GPIO17", "BOARD11", or "" for none."""
    active: Literal["low", "high"] = "low"
    """Level while pressed: low for a button to ground (the usual wiring), high for one to 3.3 V."""
    pull: Literal["up", "down", "none"] = "up"
    """The Pi's own resistor: up with active low, down with active high, none where the board has one."""

    mute_switch_pin: Pin = ""
    """A switch that stays where it is put: while on, the microphone is off and no press changes that."""
    mute_switch_active: Literal["low", "high"] = "low"
    """Level of that switch while it mutes."""
    mute_switch_pull: Literal["up", "down", "none"] = "up"
    """The Pi's own resistor on that switch."""

    volume_up_pin: Pin = ""
    """A button for louder, wired like the main one. "" = none."""
    volume_down_pin: Pin = ""
    """A button for softer, wired like the main one. "" = none."""

    def __post_init__(self) -> None:
        """Refuse a resistor that pulls a pin to the level that means pressed."""
        for key, active, pull in (
            ("pull", self.active, self.pull),
            ("mute_switch_pull", self.mute_switch_active, self.mute_switch_pull),
        ):
            if (active, pull) in {("low", "down"), ("high", "up")}:
                raise ValueError(f"{key} = {pull!r} would press an active-{active} input for ever")


@dataclass(frozen=True, slots=True)
class GestureSettings:
    """`[panel.gestures]`: the times that tell gestures apart, and what each of them does.

    A gesture set to "none" is not waited for: without `double` a tap is known at its release, without
    `hold` and `long` a press of any length is a tap.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    press: TapAction = "conversation"
    """A short press. "conversation" starts one at the press, interrupts an answer, ends the listening."""
    hold: HoldAction = "talk"
    """Holding the button down."""
    double: TapAction = "mute"
    """Two short presses."""
    long: TapAction = "none"
    """Holding on for `long_ms`; comes after `hold` began, so keep it longer than anyone talks."""

    debounce_ms: Annotated[float, Ge(0), Le(200)] = 25.0
    """A release counts once the contact stayed open for this long; contacts bounce for 1 to 20 ms."""
    shortest_press_ms: Annotated[float, Ge(0), Le(200)] = 8.0
    """A contact closed for less than this in all was a spike on the wire, not a finger: it is undone."""
    double_tap_ms: Annotated[float, Ge(100), Le(2000)] = 300.0
    """A second press within this time of the first one's release makes a double press."""
    hold_ms: Annotated[float, Ge(150), Le(5000)] = 400.0
    """A press longer than this is a hold."""
    long_ms: Annotated[float, Ge(500), Le(60000)] = 8000.0
    """A press longer than this is a long one."""
    stuck_s: Annotated[float, Ge(2), Le(3600)] = 60.0
    """A button down for this long is jammed: what it held open is closed, and it is reported."""
    repeat_after_ms: Annotated[float, Ge(100), Le(5000)] = 500.0
    """A volume button held for this long begins to repeat."""
    repeat_every_ms: Annotated[float, Ge(20), Le(5000)] = 150.0
    """Time between two repetitions."""

    def __post_init__(self) -> None:
        """Refuse times that make gestures indistinguishable."""
        if self.shortest_press_ms > self.hold_ms:
            raise ValueError(
                "shortest_press_ms must be below hold_ms, or no press would be long enough for a hold"
            )
        if self.debounce_ms >= self.double_tap_ms:
            raise ValueError(
                "debounce_ms must be below double_tap_ms, or two presses could never be told apart"
            )
        if self.debounce_ms >= self.hold_ms:
            raise ValueError("debounce_ms must be below hold_ms, or each press would be a hold")
        if self.long != "none" and self.long_ms <= self.hold_ms:
            raise ValueError("long_ms must be above hold_ms, or a hold could never be told from a long press")
        if self.stuck_s * 1000 <= max(self.hold_ms, self.long_ms if self.long != "none" else 0):
            raise ValueError(
                "stuck_s must be above hold_ms and long_ms, or a held button would count as jammed"
            )


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """`[panel]`: what the button and the light are made of."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    kind: Literal["gpio", "terminal", "simulated", "none"] = "gpio"
    """gpio: pins of a Pi (no pin named: no panel). terminal: keyboard and a line of text. simulated: a script."""
    button: ButtonSettings = field(default_factory=ButtonSettings)
    """The inputs and how they are wired."""
    gestures: GestureSettings = field(default_factory=GestureSettings)
    """What presses mean."""
    light: LightSettings = field(default_factory=LightSettings)
    """The lights and what they show."""

    def named_pins(self) -> dict[str, Pin]:
        """Return all pins that are named, by the dotted key of the setting; they are used where `kind` is gpio."""
        button, light = self.button, self.light
        pins: dict[str, Pin] = {
            "panel.button.pin": button.pin,
            "panel.button.mute_switch_pin": button.mute_switch_pin,
            "panel.button.volume_up_pin": button.volume_up_pin,
            "panel.button.volume_down_pin": button.volume_down_pin,
            "panel.light.led_pin": light.led_pin,
            "panel.light.pwm_pin": light.pwm_pin,
            **{f"panel.light.rgb_pins.{index}": pin for index, pin in enumerate(light.rgb_pins)},
        }
        return {key: pin for key, pin in pins.items() if pin != ""}
