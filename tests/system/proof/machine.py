"""The guest from outside the daemon: systemd, the journal, the pins, the kernel's accounts."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

UNIT = "speakerd"
CGROUP = Path("/sys/fs/cgroup/system.slice/speakerd.service")
BUTTON, LED = 17, 22
_PINS = next(Path("/sys/devices/platform").glob("gpio-sim.*/gpiochip*"))


def run(*words: str, timeout_s: float = 300.0) -> subprocess.CompletedProcess[str]:
    """A command, its output as text; its exit code is the caller's to judge."""
    return subprocess.run(
        words, check=False, capture_output=True, encoding="utf-8", errors="replace", timeout=timeout_s
    )


def unit(name: str) -> str:
    """A property of the service."""
    return run("systemctl", "show", "-P", name, UNIT).stdout.strip()


def wait_until(holds: Callable[[], object], timeout_s: float, every_s: float = 0.2) -> bool:
    """Look until it holds. False if it does not within `timeout_s` of the guest's time."""
    end = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(every_s)
    return True


# -- pins ------------------------------------------------------------------------------------------------------


def pull(down: bool) -> float:
    """A finger on the button, or off it; when, in monotonic seconds."""
    at = time.monotonic()
    (_PINS / f"sim_gpio{BUTTON}" / "pull").write_text("pull-down" if down else "pull-up")
    return at


def press(seconds: float = 0.1) -> float:
    """A short press; when it began."""
    at = pull(down=True)
    time.sleep(seconds)
    pull(down=False)
    return at


def light() -> int:
    """0 or 1, as the LED's pin is driven."""
    return int((_PINS / f"sim_gpio{LED}" / "value").read_text())


def light_levels(seconds: float) -> list[int]:
    """The LED's pin, looked at fifty times a second."""
    levels = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        levels.append(light())
        time.sleep(0.02)
    return levels


# -- journal ---------------------------------------------------------------------------------------------------


def this_moment() -> str:
    """For `journal`. A time and not a cursor: systemd 252 leaves out the first match after a cursor."""
    return f"@{time.time():.6f}"


def journal(after: str, *matches: str) -> list[dict[str, Any]]:
    """The service's entries since `after` (empty: since the boot), oldest first."""
    said = run(
        "journalctl",
        "-q",
        "-u",
        UNIT,
        *(("--since", after) if after else ()),
        "-o",
        "json",
        "--output-fields=MESSAGE,"
        "PRIORITY,SPEAKERD_EVENT,SPEAKERD_OUTCOME,SPEAKERD_PRESS_TO_LISTENING_MS,SPEAKERD_COMMIT_TO_SOUND_MS,"
        "SPEAKERD_SPEECH_END_TO_SOUND_MS,SPEAKERD_INTERRUPT_TO_SILENCE_MS",
        *matches,
    ).stdout
    return [json.loads(line) for line in said.splitlines()]


def show_journal(after: str) -> None:
    """Print what the service said since `after`: for a row that failed."""
    for entry in journal(after):
        print(f"         | {entry.get('MESSAGE')}", flush=True)


# -- accounts --------------------------------------------------------------------------------------------------


def processes() -> list[int]:
    """All of the service's, children included."""
    return [int(word) for word in (CGROUP / "cgroup.procs").read_text().split()]


def realtime_threads() -> int:
    """How many of its threads have real-time priority (policy 2, proc_pid_stat(5))."""
    tasks = Path(f"/proc/{unit('MainPID')}/task").iterdir()
    return sum((task / "stat").read_text().rpartition(") ")[2].split()[38] == "2" for task in tasks)


def cpu_s() -> float:
    """Seconds of processor that the service has had since it was started."""
    return int((CGROUP / "cpu.stat").read_text().split()[1]) / 1e6


def rss_mb() -> float:
    """Resident memory of all its processes; what they share counts for each."""
    total = 0
    for pid in processes():
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total / 1024


def anonymous_mb() -> float:
    """The cgroup's memory that is nobody's file: what a small board really has to give."""
    for line in (CGROUP / "memory.stat").read_text().splitlines():
        if line.startswith("anon "):
            return int(line.split()[1]) / 2**20
    return 0.0


def written_bytes() -> dict[str, int]:
    """What reached the disk: of the service by two accounts of the kernel, and of the whole guest."""
    by_processes = 0
    for pid in processes():
        for line in Path(f"/proc/{pid}/io").read_text().splitlines():
            if line.startswith("write_bytes:"):
                by_processes += int(line.split()[1])
    by_cgroup = 0
    for word in (CGROUP / "io.stat").read_text().split():
        if word.startswith("wbytes="):
            by_cgroup += int(word.removeprefix("wbytes="))
    sectors = int(Path("/sys/block/vda/stat").read_text().split()[6])
    return {"processes": by_processes, "cgroup": by_cgroup, "whole guest": 512 * sectors}
