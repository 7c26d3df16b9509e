"""Looking at the machine: files of the kernel, small programs, the user database. Nothing is changed."""

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
    """A small file of the kernel; empty if it is not there or not for us."""
    try:
        return (root / path.lstrip("/")).read_text(errors="replace").strip("\0\n")
    except OSError:
        return ""


def said(*words: str) -> str:
    """What a program prints; empty if it is missing, fails, or hangs."""
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
    """The firmware's power flags; None on a machine without them."""
    for path in (root / "sys/devices/platform").glob("soc*/*firmware/get_throttled"):
        if value := text(str(path.relative_to(root)), root):
            return int(value, 16)
    match = re.search(r"throttled=(0x[0-9a-fA-F]+)", said("vcgencmd", "get_throttled"))
    return int(match[1], 16) if match else None


def celsius(root: Path = Path("/")) -> float | None:
    """The processor's temperature; None without a thermometer."""
    value = text("sys/class/thermal/thermal_zone0/temp", root)
    return int(value) / 1000 if value.lstrip("-").isdigit() else None


def machine() -> str:
    """What the processor calls itself, as `uname -m`; the user space's width counts, not the kernel's."""
    name = platform.machine()
    return "armv7l" if name == "aarch64" and platform.architecture()[0] == "32bit" else name


def systemd_version() -> int | None:
    """The version of the systemd that runs here; None if none does."""
    if not Path("/run/systemd/system").is_dir():
        return None
    match = re.match(r"systemd (\d+)", said("systemctl", "--version"))
    return int(match[1]) if match else None


def unit() -> dict[str, str]:
    """Properties of the service; empty where it is unknown."""
    names = "LoadState,ActiveState,Result,NRestarts"
    lines = said("systemctl", "show", "speakerd.service", f"--property={names}").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def synchronised() -> bool | None:
    """Whether the clock follows a time server; None if nobody can tell."""
    return {"yes": True, "no": False}.get(
        said("timedatectl", "show", "-p", "NTPSynchronized", "--value").strip()
    )


def root_used_percent() -> float:
    """How full the root file system is."""
    usage = shutil.disk_usage("/")
    return 100.0 * usage.used / usage.total


def root_read_only() -> bool:
    """Whether it is mounted so; an overlay on a card that is never written is a good thing."""
    return bool(os.statvfs("/").f_flag & os.ST_RDONLY)


def root_errors(root: Path = Path("/")) -> int | None:
    """The kernel's count of errors on ext4 file systems; None where it keeps none."""
    counts = [
        text(str(path.relative_to(root)), root) for path in (root / "sys/fs/ext4").glob("*/errors_count")
    ]
    numbers = [int(count) for count in counts if count.isdigit()]
    return sum(numbers) if numbers else None


def service_user() -> str:
    """Who speakerd runs as: its own user where that is installed, else whoever asks."""
    try:
        return pwd.getpwnam(SERVICE_USER).pw_name
    except KeyError:
        return pwd.getpwuid(os.geteuid()).pw_name


def groups_of(user: str) -> list[str]:
    """Names of the groups that the user database gives a user."""
    entry = pwd.getpwnam(user)
    names = []
    for number in os.getgrouplist(user, entry.pw_gid):
        try:
            names.append(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return names


def existing_groups(*names: str) -> list[str]:
    """Those of these groups that exist here."""
    known = {entry.gr_name for entry in grp.getgrall()}
    return [name for name in names if name in known]


def node(pattern: str, root: Path = Path("/")) -> Node | None:
    """The first device file of this pattern; None if there is none."""
    for path in sorted(root.glob(pattern.lstrip("/"))):
        status = path.stat()
        try:
            group = grp.getgrgid(status.st_gid).gr_name
        except KeyError:
            group = str(status.st_gid)
        return Node(str(path), status.st_mode, group)
    return None


def importable(*names: str) -> dict[str, bool]:
    """Which of these modules are installed. Imports none of them."""
    return {name: importlib.util.find_spec(name) is not None for name in names}


def good_converter(root: Path = Path("/")) -> bool:
    """Whether ALSA has a better rate converter than its own."""
    return any(root.glob("usr/lib/**/alsa-lib/libasound_module_rate_*.so"))
