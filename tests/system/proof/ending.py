"""A clean stop, in the middle of a sentence."""

import time

from . import machine, speaker
from .interruption import LONG
from .sound import Ear
from .table import check, title

STOP_LIMIT_S = 2.0


def stopped() -> None:
    """Under two seconds, cleanly, silent and dark."""
    title("stop while it speaks")
    before = machine.this_moment()
    with speaker.Watch() as watch, Ear() as ear:
        begun = time.monotonic()
        speaker.ask("ask", text=LONG)
        check("it speaks", watch.phase("speaking", begun))
        machine.wait_until(lambda: ear.loud(begun), 20)
        at = time.monotonic()
        machine.run("systemctl", "stop", machine.UNIT)
        # By systemd's own clock: its client has to start first.
        took = int(machine.unit("InactiveEnterTimestampMonotonic")) / 1e6 - at
        main = int(machine.unit("ExecMainExitTimestampMonotonic")) / 1e6 - at
        silent = ear.silent_from(at, 0.1) or at
        check(
            "it stops",
            took < STOP_LIMIT_S,
            f"in {took:.2f} s; silent after {silent - at:.2f}, ended after {main:.2f}",
        )
    result = machine.unit("Result")
    check("cleanly", result == "success", result)
    check("the light is off", machine.light() == 0)
    check("the journal says so", machine.journal(before, "SPEAKERD_EVENT=stopped"))
