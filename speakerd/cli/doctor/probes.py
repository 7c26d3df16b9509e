"""Reads the state of the machine: files of the kernel, small programs, the user database. Changes nothing."""

import grp
import importlib.util
import os
import platform
import pwd
import re
import shutil
import subprocess
from pathlib import Path

from speakerd.cli.doctor.access import Node

SERVICE_USER = "speakerd"
_PROGRAM_LIMIT_S = 10.0


def text(path: str, root: Path = Path("/")) -> str:
    """Return a small file of the kernel; "" if it is missing or not readable."""
    try:
        return (root / path.lstrip("/")).read_text(errors="replace").strip("\0\n")
    except OSError:
        return ""


def said(*words: str) -> str:
    """Return the output of a program; "" if it is missing, fails, or hangs."""
    try:
        done = subprocess.run(  # noqa: S603 - our own fixed words
            words,
            capture_output=True,
            text=True,
            timeout=_PROGRAM_LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def throttled(root: Path = Path("/")) -> int | None:
    """Return the firmware's power flags; None on a machine without them."""
    for path in (root / "sys/devices/platform").glob("soc*/*firmware/get_throttled"):
        if value := text(str(path.relative_to(root)), root):
            return int(value, 16)
    match = re.search(r"throttled=(0x[0-9a-fA-F]+)", said("vcgencmd", "get_throttled"))
    return int(match[1], 16) if match else None


def celsius(root: Path = Path("/")) -> float | None:
    """Return the temperature of the processor; None without a thermometer."""
    value = text("sys/class/thermal/thermal_zone0/temp", root)
    return int(value) / 1000 if value.lstrip("-").isdigit() else None


def machine() -> str:
    """Return the machine as `uname -m` does; the user space decides between 32 and 64 bits, not the kernel."""
    name = platform.machine()
    return "armv7l" if name == "aarch64" and platform.architecture()[0] == "32bit" else name


def systemd_version() -> int | None:
    """Return the version of systemd; None if it does not run."""
    if not Path("/run/systemd/system").is_dir():
        return None
    match = re.match(r"systemd (\d+)", said("systemctl", "--version"))
    return int(match[1]) if match else None


def unit() -> dict[str, str]:
    """Return properties of the service; empty if it is not installed."""
    names = "LoadState,ActiveState,SubState,Result,NRestarts,StatusText"
    lines = said("systemctl", "show", "speakerd.service", f"--property={names}").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def synchronised() -> bool | None:
    """Return whether the clock is synchronised; None if that is unknown."""
    return {"yes": True, "no": False}.get(
        said("timedatectl", "show", "-p", "NTPSynchronized", "--value").strip()
    )


def root_used_percent() -> float:
    """Return how full the root file system is."""
    usage = shutil.disk_usage("/")
    return 100.0 * usage.used / usage.total


def root_read_only() -> bool:
    """Return whether the root file system is mounted read-only."""
    return bool(os.statvfs("/").f_flag & os.ST_RDONLY)


def root_errors(root: Path = Path("/")) -> int | None:
    """Return the kernel's count of errors on ext4 file systems; None if there is none."""
    counts = [
        text(str(path.relative_to(root)), root) for path in (root / "sys/fs/ext4").glob("*/errors_count")
    ]
    numbers = [int(count) for count in counts if count.isdigit()]
    return sum(numbers) if numbers else None


def service_user() -> str:
    """Return the user that speakerd runs as: its own if that exists, else the current one."""
    try:
        return pwd.getpwnam(SERVICE_USER).pw_name
    except KeyError:
        return pwd.getpwuid(os.geteuid()).pw_name


def groups_of(user: str) -> list[str]:
    """Return the names of the groups of a user."""
    entry = pwd.getpwnam(user)
    names = []
    for number in os.getgrouplist(user, entry.pw_gid):
        try:
            names.append(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return names


def existing_groups(*names: str) -> list[str]:
    """Return those of these groups that exist."""
    known = {entry.gr_name for entry in grp.getgrall()}
    return [name for name in names if name in known]


def node(pattern: str, root: Path = Path("/")) -> Node | None:
    """Return the first device file of this pattern; None if there is none."""
    for path in sorted(root.glob(pattern.lstrip("/"))):
        status = path.stat()
        try:
            group = grp.getgrgid(status.st_gid).gr_name
        except KeyError:
            group = str(status.st_gid)
        return Node(str(path), status.st_mode, group)
    return None


def importable(*names: str) -> dict[str, bool]:
    """Return which of these modules are installed, without importing them."""
    return {name: importlib.util.find_spec(name) is not None for name in names}


def good_converter(root: Path = Path("/")) -> bool:
    """Return whether ALSA has a better rate converter than its own."""
    return any(root.glob("usr/lib/**/alsa-lib/libasound_module_rate_*.so"))
