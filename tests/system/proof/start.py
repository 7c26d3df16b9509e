"""From the machine's or the service's start to READY, and what systemd thinks of the unit."""

import os
import time
from pathlib import Path

from . import machine, speaker
from .machine import unit
from .table import aside, check, figure, title

READY_LIMIT_S = 90.0
_STAT = Path("/proc/stat")


def start(why: str) -> bool:
    """Start the service; wall time, processor time and status. False if it does not start."""
    before = machine.this_moment()
    begun = time.monotonic()
    machine.run("systemctl", "start", "--no-block", machine.UNIT)
    ready = machine.wait_until(is_ready, READY_LIMIT_S)
    took = time.monotonic() - begun
    check(
        f"{why}: READY",
        ready,
        f"after {took:.1f} s, of them {machine.cpu_s() if ready else 0:.1f} s of processor",
    )
    if not ready:
        _where_it_hangs()
        machine.show_journal(before)
    return ready


def is_ready() -> bool:
    """Whether systemd was told READY."""
    return unit("ActiveState") == "active"


def booted(*, exact: bool) -> None:
    """It has started with the machine, nobody asked it to.

    Where the guest idles, its clock runs away while it waits for the host's disk: `exact` says that it does not.
    """
    title("cold boot")
    ready = machine.wait_until(is_ready, READY_LIMIT_S)
    check("READY by itself", ready)
    if not ready:
        machine.show_journal("")
    if exact:
        at = int(unit("ActiveEnterTimestampMonotonic")) / 1e6
        begun = int(unit("ExecMainStartTimestampMonotonic")) / 1e6
        userspace = int(machine.run("systemctl", "show", "-P", "UserspaceTimestampMonotonic").stdout) / 1e6
        figure(
            "from the kernel's start to READY",
            f"{at:.1f} s: systemd came at {userspace:.1f}, began it at {begun:.1f}",
        )
    figure("of the processor until now", f"{_busy_s():.1f} s, of them {machine.cpu_s():.1f} s of the service")
    check("the status says what to do", unit("StatusText").startswith("idle"), unit("StatusText"))
    check("the light is off: idle", machine.light() == 0)
    check("it came up at the first try", unit("NRestarts") == "0", unit("NRestarts"))
    share = _heard_share()
    check("the microphone's sound arrives whole", share > 0.97, f"{100 * share:.1f} %")
    threads = machine.realtime_threads()
    check("the sound's two threads have real-time priority, no other", threads == 2, threads)


def started() -> None:
    """Cold start, exposure, verification, doctor."""
    title("start")
    machine.run("systemctl", "stop", machine.UNIT)
    Path("/proc/sys/vm/drop_caches").write_text("3")
    if not start("cold, nothing of it in memory"):
        raise SystemExit(1)
    said = machine.run("systemd-analyze", "verify", "/etc/systemd/system/speakerd.service")
    mine = [line for line in said.stderr.splitlines() if "speakerd" in line]
    check("systemd-analyze verify finds nothing", not mine and said.returncode == 0, "; ".join(mine))
    said = machine.run("systemd-analyze", "security", "--no-pager", machine.UNIT)
    level = said.stdout.rpartition("exposure level for")[2].split(":")[1].split()[0]
    check("exposure below 2.0, every hardening line on", float(level) < 2.0, level)
    said = machine.run("speakerd", "doctor", "--offline")
    check(
        "doctor finds nothing in the way",
        said.returncode == 0,
        said.stdout.strip().rpartition("\n")[2].strip(),
    )
    if said.returncode:
        aside(said.stdout)


def _heard_share(seconds: float = 5.0) -> float:
    """The part of the sound that the microphone gave which came through."""
    before, begun = speaker.ask("status")["sound"]["heard_s"], time.monotonic()
    time.sleep(seconds)
    heard = float(speaker.ask("status")["sound"]["heard_s"]) - float(before)
    return heard / (time.monotonic() - begun)


def _busy_s() -> float:
    """Seconds for which the processor was not idle since the kernel began."""
    user, nice, system, _idle, _waiting, *interrupts = map(int, _STAT.read_text().split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def _where_it_hangs() -> None:
    """A process that cannot even be killed hangs in the kernel: its stacks say where."""
    for pid in machine.processes():
        for task in Path(f"/proc/{pid}/task").iterdir():
            aside(f"{(task / 'comm').read_text().strip()}\n{(task / 'stack').read_text()}")
