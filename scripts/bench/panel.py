"""What a moving light costs: CPU time of this process while a light breathes, follows a level, blinks, or stands.

    scripts/bench/run panel [SECONDS]

The pins are gpiozero's mock pins, so the kernel's and lgpio's share is not in it. Exit code 1 if breathing takes
more than 1 % of a core.
"""

import argparse
import resource
import sys
import threading
import time

from gpiozero.pins.mock import MockFactory, MockPWMPin

from speakerd.panel.gpio.panel import GpioPanel
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.settings import ButtonSettings
from speakerd.panel.types import LightState

_LIMIT = 0.01
_STATES: tuple[LightState, ...] = ("idle", "starting", "speaking", "muted")
_LIGHTS = {
    "dimmed LED": LightSettings(pwm_pin=18),
    "RGB LED": LightSettings(rgb_pins=(5, 6, 13)),
    "both": LightSettings(pwm_pin=18, rgb_pins=(5, 6, 13)),
}


def cpu_s() -> float:
    """CPU seconds that this process has used, in user and kernel mode."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def share(light: LightSettings, state: LightState, seconds: float) -> float:
    """Part of one core that `state` takes on `light`."""
    panel = GpioPanel(ButtonSettings(pin=23), light, pin_factory=MockFactory(pin_class=MockPWMPin))
    panel.start(lambda _name, _pressed, _at: None)
    try:
        panel.show(state)
        time.sleep(0.2)
        cpu, end = cpu_s(), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            # Levels come ten times a second, whatever is shown.
            panel.set_level(-30.0 + 20.0 * (int(left * 10) % 2))
            time.sleep(min(0.1, left))
        return (cpu_s() - cpu) / seconds
    finally:
        panel.close()


def main() -> int:
    """Measure, print a table, and hold breathing to its limit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seconds", nargs="?", type=float, default=5.0, help="of each state (5)")
    seconds = parser.parse_args().seconds
    print(f"| light | {' | '.join(_STATES)} |\n| --- |{' --- |' * len(_STATES)}")
    worst = 0.0
    for name, light in _LIGHTS.items():
        shares = [share(light, state, seconds) for state in _STATES]
        worst = max(worst, shares[_STATES.index("starting")])
        print(f"| {name} | {' | '.join(f'{100 * part:.2f} %' for part in shares)} |", flush=True)
    print(
        f"\nbreathing: {100 * worst:.2f} % of a core, limit {100 * _LIMIT:g} %; threads: {threading.active_count()}"
    )
    return 0 if worst <= _LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
