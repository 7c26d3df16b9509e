"""What it takes: memory, processor, writes to the disk. From the kernel's accounts of the unit's cgroup.

The emulated processor does 1000 million instructions in a second of its own time, so a per cent of it is 10 million
instructions a second: a figure that can be carried over to a board.
"""

import time

from . import machine, speaker
from .interruption import LONG
from .table import check, figure, title

IDLE_S = 600.0
MEASURED_S = 15.0


def idle() -> None:
    """Nothing happens; nothing may be written."""
    title("idle")
    speaker.to_idle()
    time.sleep(10)  # what was set before has settled and is stored
    machine.run("sync")
    before, cpu, begun = machine.written_bytes(), machine.cpu_s(), time.monotonic()
    time.sleep(IDLE_S)
    machine.run("sync")
    wrote = {name: count - before[name] for name, count in machine.written_bytes().items()}
    lasted = time.monotonic() - begun
    check(
        f"no write to the disk in {lasted / 60:.1f} idle minutes",
        not wrote["processes"] and not wrote["cgroup"],
        wrote,
    )
    _figures("idle", cpu, begun)


def busy() -> None:
    """Listening, then speaking."""
    title("listening and speaking")
    speaker.ask("wake")
    time.sleep(2)
    measure("listening")
    speaker.to_idle()
    with speaker.Watch() as watch:
        begun = time.monotonic()
        speaker.ask("ask", text=LONG)
        speaking = watch.phase("speaking", begun)
    time.sleep(1)
    measure("speaking")
    check("it spoke all the time", speaking and speaker.ask("status")["phase"] == "speaking")
    speaker.to_idle()


def measure(state: str) -> None:
    """Figures of a state that it is in now and stays in."""
    cpu, begun = machine.cpu_s(), time.monotonic()
    time.sleep(MEASURED_S)
    _figures(state, cpu, begun)


def _figures(state: str, cpu: float, begun: float) -> None:
    share = (machine.cpu_s() - cpu) / (time.monotonic() - begun)
    figure(
        f"{state}: processor, memory",
        f"{100 * share:.1f} % ({1000 * share:.0f} M instructions/s), RSS {machine.rss_mb():.0f} MB in "
        f"{len(machine.processes())} processes, of it not files {machine.anonymous_mb():.0f} MB",
    )
