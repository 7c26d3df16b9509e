"""Inside the guest: GpioPanel on gpio-sim. Prints what it finds; exit code 1 if something is not as it should."""

import subprocess
import sys
import time
from pathlib import Path

from speakerd.panel.errors import GpioUnavailableError, PinBusyError, PinUnknownError
from speakerd.panel.gpio.panel import GpioPanel
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.settings import ButtonSettings

BUTTON, LED, DIMMED, RGB = 17, 22, 27, (5, 6, 13)
LIGHT = LightSettings(led_pin=LED, pwm_pin=DIMMED, rgb_pins=RGB, night_from="")
failures: list[str] = []


def gpio(*words: object) -> str:
    """The guest's `gpio` command."""
    return subprocess.run(
        ["gpio", *map(str, words)], check=True, capture_output=True, text=True
    ).stdout.strip()


def check(what: str, holds: bool, found: object) -> None:
    """Print one finding."""
    print(f"{'ok  ' if holds else 'FAIL'} {what}: {found}", flush=True)
    if not holds:
        failures.append(what)


def edges() -> None:
    """Presses arrive as edges, at the time at which they happened; a hundred fast ones without a loss."""
    seen: list[tuple[str, bool, float]] = []
    panel = GpioPanel(ButtonSettings(pin=BUTTON), LIGHT)
    panel.start(lambda name, pressed, at: seen.append((name, pressed, at)))
    chip = next(Path("/sys/devices/platform").glob("gpio-sim.*/gpiochip*"))
    pull = chip / f"sim_gpio{BUTTON}" / "pull"
    check("a released button is no edge", not seen, seen)
    delays = []
    for _ in range(100):
        begun = time.monotonic()
        pull.write_text("pull-down")
        time.sleep(0.005)
        pull.write_text("pull-up")
        time.sleep(0.005)
        delays.append(next((at - begun for _, pressed, at in seen[-2:] if pressed), 1.0))
    time.sleep(0.1)
    states = [pressed for _, pressed, _ in seen]
    check("100 presses are 200 edges in turn", states == [True, False] * 100, len(states))
    # The very slowest may be the one that had to wait for a page from the host's disk.
    p50, p95 = sorted(delays)[50], sorted(delays)[95]
    check("edge to callback", p95 < 0.005, f"p50 {1000 * p50:.2f} ms, p95 {1000 * p95:.2f} ms")
    panel.close()
    seen.clear()
    gpio("press", BUTTON)
    check("after close no edge comes", not seen, seen)


def lights() -> None:
    """Duty cycles on the pins are those of the table; after close all is dark and free."""
    panel = GpioPanel(ButtonSettings(pin=BUTTON), LIGHT)
    panel.start(lambda _name, _pressed, _at: None)
    panel.show("listening")
    time.sleep(0.3)
    # 0.55 bright to the power of 2.2; blue is #2050ff.
    for pin, wanted in ((DIMMED, 0.27), (RGB[0], 0.00), (RGB[1], 0.02), (RGB[2], 0.27)):
        duty = float(gpio("level", pin, 0.5))
        check(f"listening: duty on GPIO{pin}, wanted {wanted}", abs(duty - wanted) < 0.03, duty)
    check("listening: plain LED", gpio("value", LED) == "1", gpio("value", LED))
    panel.show("muted")
    time.sleep(0.5)
    check("muted: plain LED dark between winks", gpio("value", LED) == "0", gpio("value", LED))
    panel.show("starting")
    cpu = time.process_time()
    time.sleep(5.0)
    share = (time.process_time() - cpu) / 5.0
    check("breathing on lgpio: part of a core, emulated", share < 0.5, f"{100 * share:.1f} %")
    panel.close()
    values = [gpio("value", pin) for pin in (LED, DIMMED, *RGB)]
    check("after close all pins are low", values == ["0"] * 5, values)


def refusals() -> None:
    """What cannot be had says so in the panel's words."""
    first = GpioPanel(ButtonSettings(pin=BUTTON), LightSettings())
    first.start(lambda _name, _pressed, _at: None)
    said = opened_elsewhere("/run")
    check("a pin that another process holds", PinBusyError.__name__ in said, said)
    first.close()
    said = opened_elsewhere("/run")
    check("a pin that was let go", said == "", said)
    said = opened_elsewhere("/proc")
    check("a working directory without room for a file", GpioUnavailableError.__name__ in said, said)
    try:
        GpioPanel(ButtonSettings(pin=99), LightSettings()).start(lambda _name, _pressed, _at: None)
        check("a pin that is not there", False, "was opened")
    except PinUnknownError as refused:
        check("a pin that is not there", True, refused)


def opened_elsewhere(directory: str) -> str:
    """What another process says last when it opens the button, working in `directory`; "" if it can."""
    program = (
        "from speakerd.panel.gpio.panel import GpioPanel as P;"
        "from speakerd.panel.settings import ButtonSettings as B;"
        "from speakerd.panel.light_settings import LightSettings as L;"
        f"P(B(pin={BUTTON}), L()).start(print)"
    )
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, check=False, capture_output=True, text=True, cwd=directory).stderr
    return said.strip().rpartition("\n")[2]


def main() -> int:
    """All of it, twice over for what could leave something behind."""
    for part in (edges, lights, edges, refusals):
        part()
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
