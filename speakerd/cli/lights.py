"""`speakerd lights`: what each light means and what each gesture does; `--demo` plays them on the configured light.

Without `--demo` it prints the tables of the README as Markdown. Exit code 2 for a mistake in the file, 3 for a
light that cannot be opened.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from speakerd.cli.config_file import add_file_argument, read_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from speakerd.config.settings import Settings
    from speakerd.panel.light_settings import LightSettings
    from speakerd.panel.looks import LightMeaning
    from speakerd.panel.patterns import Look
    from speakerd.panel.port import Panel
    from speakerd.panel.settings import PanelSettings
    from speakerd.panel.types import LightState


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "lights",
        help="tell what the light means; --demo plays it",
        description="Print what each light means and each gesture does, or play all lights on the configured one.",
    )
    add_file_argument(parser)
    parser.add_argument("--demo", action="store_true", help="play every state on the configured light")
    parser.add_argument("--terminal", action="store_true", help="with --demo: on a line of text instead")
    parser.add_argument("--seconds", type=float, default=4.0, help="with --demo: for each state (default 4)")
    parser.add_argument("--state", help="with --demo: only this state")


def run(args: argparse.Namespace) -> int:
    """Print the tables, or play the demo. Exit code 0, 2 or 3."""
    from speakerd.config.errors import ConfigError
    from speakerd.panel.errors import PanelError

    try:
        everything = read_settings(args.file)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    settings = everything.panel
    if not args.demo:
        _print_tables(settings, meanings(everything))
        return 0
    states = _states(args.state)
    if not states:
        print(f"there is no state {args.state!r}; there are: {', '.join(_states(None))}", file=sys.stderr)
        return 2
    try:
        _demo(settings, states, args.seconds, terminal=args.terminal)
    except PanelError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


def meanings(settings: Settings) -> dict[LightState, str]:
    """Return what the lights mean that tell what a hand or a voice can do, with these settings. Pure."""
    gestures = settings.panel.gestures
    begins = [
        words
        for action, words in (
            (gestures.press, "a press"),
            (gestures.hold, "the button to be held"),
            (gestures.double, "two presses"),
            (gestures.long, "a long press"),
        )
        if action in {"conversation", "talk"}
    ][:1] + ["the wake word"] * settings.wake_word.enabled
    ends = [
        words
        for action, words in (
            (gestures.press, "press"),
            (gestures.hold, "hold the button"),
            (gestures.double, "press twice"),
            (gestures.long, "press long"),
        )
        if action in {"conversation", "talk", "stop"}
    ][:1]
    ways = [*ends, *["just talk"] * settings.audio.barge_in.enabled]
    interrupt = f"; {', or '.join(ways)}{',' if len(ways) > 1 else ''} to interrupt" if ways else ""
    return {
        "idle": f"I am waiting for {' or '.join(begins) or 'a program to wake me'}; nothing is sent",
        "speaking": f"I am speaking{interrupt}",
    }


def _print_tables(settings: PanelSettings, meant: Mapping[LightState, str]) -> None:
    from speakerd.dialogue import gesture_meaning
    from speakerd.panel import looks as lights

    print(lights.table_markdown(settings.light.states, meant))
    print(gesture_meaning.table_markdown(settings.gestures, settings.button), end="")
    if wiring := wiring_table(settings):
        print(f"\n{wiring}", end="")


def wiring_table(settings: PanelSettings) -> str:
    """Return which part is at which pin, by GPIO and by place on the header; "" without pins. Pure."""
    from speakerd.panel.header import pin_name

    button, light = settings.button, settings.light
    parts = {
        "button": button.pin,
        "mute switch": button.mute_switch_pin,
        "volume up": button.volume_up_pin,
        "volume down": button.volume_down_pin,
        "LED": light.led_pin,
        "dimmed LED": light.pwm_pin,
        **dict(zip(("red", "green", "blue"), light.rgb_pins, strict=False)),
    }
    rows = [f"| {part} | {pin_name(pin)} |" for part, pin in parts.items() if pin != ""]
    return "\n".join(["| part | GPIO (pin of the header) |", "| --- | --- |", *rows, ""]) if rows else ""


def _states(wanted: str | None) -> list[LightState]:
    from speakerd.panel.looks import TABLE

    return [state for state in reversed(list(TABLE)) if wanted in {None, state}]


def _demo(settings: PanelSettings, states: list[LightState], seconds: float, *, terminal: bool) -> None:
    from speakerd.panel.gpio import GpioPanel
    from speakerd.panel.looks import TABLE, look_of
    from speakerd.panel.settings import ButtonSettings
    from speakerd.panel.terminal import TerminalPanel

    panel: Panel
    say: Callable[[str], None]
    if terminal or settings.kind in {"terminal", "simulated"}:
        panel = drawn = TerminalPanel(settings.light, with_keys=False)
        say = drawn.write
    elif _has_light(settings.light):
        # Without the button: a press has no meaning during the demo.
        panel, say = GpioPanel(ButtonSettings(), settings.light), print
    else:
        print("No light is configured: [panel.light] names no pin and no strip. Try --terminal.")
        return
    panel.start(lambda _name, _pressed, _at: None)
    try:
        for state in states:
            say(_caption(state, TABLE[state], look_of(state, settings.light.states)))
            panel.show(state)
            _play(panel, state, seconds)
    finally:
        panel.close()


def _has_light(light: LightSettings) -> bool:
    return light.led_pin != "" or light.pwm_pin != "" or bool(light.rgb_pins) or light.strip_leds > 0


def _caption(state: LightState, row: LightMeaning, look: Look) -> str:
    from speakerd.panel.looks import describe

    return f"{state:<11} {row.meaning} ({describe(look)})"


def _play(panel: Panel, state: LightState, seconds: float) -> None:
    """Show `state` for a while, with a simulated voice if it follows the sound level."""
    from speakerd.panel.looks import voice_dbfs

    begun = time.monotonic()
    while (elapsed := time.monotonic() - begun) < seconds:
        if state in {"listening", "speaking"}:
            panel.set_level(voice_dbfs(elapsed))
        time.sleep(min(0.1, seconds - elapsed))
