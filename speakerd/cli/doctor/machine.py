"""Checks the machine: power, heat, system, memory, storage, clock. Pure."""

import re
from collections.abc import Mapping

from speakerd.cli.doctor.finding import Finding, fail, ok, skip, warn

KNOWN_SYSTEMS = {"debian": (12, 14), "raspbian": (12, 14)}
"""ID of os-release: first version known to work, and the first not known."""
WAITING = "waiting for the sound card"
"""How the service's status begins while there is no sound."""
HOT_CELSIUS = 80.0
"""A Pi reduces its clock from this temperature on."""
LITTLE_MEMORY_KB = 100_000
_UNDER_VOLTAGE_NOW, _CAPPED_NOW, _THROTTLED_NOW, _UNDER_VOLTAGE_SINCE_BOOT = 1, 1 << 1, 1 << 2, 1 << 16


def power(throttled: int | None) -> Finding:
    """Check the firmware's throttling flags (`vcgencmd get_throttled`); None on a machine without them."""
    name = "power"
    cure = "Use the official supply and a short thick cable; power loudspeakers and hubs separately."
    if throttled is None:
        return skip(name, "not a Raspberry Pi: no power flags")
    if throttled & _UNDER_VOLTAGE_NOW:
        return fail(
            name, f"under-voltage now (flags {throttled:#x})", "The supply or its cable is too weak.", cure
        )
    if throttled & (_CAPPED_NOW | _THROTTLED_NOW):
        return warn(name, f"slowed down now (flags {throttled:#x})", "Too hot, or too little power.", cure)
    if throttled & _UNDER_VOLTAGE_SINCE_BOOT:
        seen = f"under-voltage since the last boot (flags {throttled:#x})"
        return warn(name, seen, "Dips of the supply crackle, and corrupt SD cards.", cure)
    return ok(name, "no under-voltage since boot")


def heat(celsius: float | None) -> Finding:
    """Check the temperature of the processor; None if it cannot be read."""
    if celsius is None:
        return skip("heat", "no thermometer")
    if celsius >= HOT_CELSIUS:
        cure = "Give it air, or a heat sink."
        return warn(
            "heat", f"{celsius:.0f} C", f"From {HOT_CELSIUS:.0f} C on the processor is slowed down.", cure
        )
    return ok("heat", f"{celsius:.0f} C")


def system(os_release: str, machine: str) -> Finding:
    """Check the system, by /etc/os-release and `uname -m`."""
    values = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', os_release, re.MULTILINE))
    seen = f"{values.get('PRETTY_NAME', 'unknown system')}, {machine}"
    known = KNOWN_SYSTEMS.get(values.get("ID", ""))
    version = values.get("VERSION_ID", "")
    if machine in {"armv6l", "armv7l"}:
        cause = "This is a 32-bit system: wheels for echo cancellation exist for 64 bits only."
        return warn("system", seen, cause, "Install the 64-bit Raspberry Pi OS (Pi Zero 2 W, 3, 4, 5).")
    if known is None or not version.isdigit() or not known[0] <= int(version) < known[1]:
        cause = "speakerd is tested on Debian and Raspberry Pi OS 12 and 13."
        return warn("system", seen, cause, "It may well work; if not, try one of those.")
    return ok("system", seen)


def python(version: tuple[int, int], executable: str) -> Finding:
    """Check the version of the Python interpreter."""
    seen = f"{version[0]}.{version[1]} ({executable})"
    if version < (3, 11):
        return fail(
            "python", seen, "3.11 or later is needed.", "Use Debian 12, or make the environment with one."
        )
    return ok("python", seen)


def systemd(version: int | None, unit: Mapping[str, str]) -> Finding:
    """Check systemd and the service, by its version (None: it does not run) and the properties of the unit."""
    if version is None:
        return skip("service", "systemd does not run here")
    if unit.get("LoadState") != "loaded":
        return skip("service", f"systemd {version}, not installed as a service")
    active, result = unit.get("ActiveState", "?"), unit.get("Result", "")
    restarts = unit.get("NRestarts", "0")
    seen = f"systemd {version}, {active}, {restarts} restarts"
    why = "journalctl -u speakerd -p err -b says why."
    if active == "failed":
        return fail("service", seen, f"It ended: {result}.", why)
    if active == "activating" and (restarts != "0" or unit.get("SubState") == "auto-restart"):
        return fail("service", seen, f"It does not come up: it ended ({result}), and is tried again.", why)
    if active in {"activating", "reloading", "deactivating"}:
        return warn("service", seen, "It is on its way.", "Look again in a minute.")
    if active != "active":
        return warn("service", seen, "It does not run.", "sudo systemctl enable --now speakerd")
    if version < 252:
        return warn("service", seen, "Older than any it was tested with.", "Use Debian 12 or later.")
    seen = ": ".join(filter(None, (seen, unit.get("StatusText", ""))))
    if unit.get("StatusText", "").startswith(WAITING):
        return warn("service", seen, "Until then it neither hears nor speaks.", "See cards and sound below.")
    return ok("service", seen)


def memory(meminfo: str) -> Finding:
    """Check the free memory, by /proc/meminfo."""
    values = {name: int(kb) for name, kb in re.findall(r"^(\w+):\s+(\d+) kB$", meminfo, re.MULTILINE)}
    total, free = values.get("MemTotal", 0), values.get("MemAvailable", 0)
    seen = f"{free // 1000} MB free of {total // 1000} MB"
    if free < LITTLE_MEMORY_KB:
        cure = 'Set offline.free_speech = "off" (100 MB less), or end other programs.'
        return warn("memory", seen, "Little is left; the kernel may end programs.", cure)
    return ok("memory", seen)


def storage(*, read_only: bool, used_percent: float, errors: int | None) -> Finding:
    """Check the root file system: whether it is read-only, how full, and the kernel's count of errors."""
    seen = f"{used_percent:.0f} % full" + (", read-only" if read_only else "")
    if errors:
        cause = f"The kernel has met {errors} errors on it: the card is dying, or lost power while writing."
        return fail("storage", seen, cause, "Save your configuration and write a new card.")
    if used_percent >= 95:
        return warn(
            "storage", seen, "The journal and upgrades have no room.", "sudo apt clean; or a larger card."
        )
    return ok("storage", seen)


def clock(year: int, synchronised: bool | None) -> Finding:
    """Check the clock: a wrong one makes TLS certificates invalid. None: unknown whether it is synchronised."""
    cure = "sudo timedatectl set-ntp true; a Pi has no clock of its own and needs the network for it."
    if year < 2025:
        return fail("clock", f"the year is {year}", "No server's certificate is valid then.", cure)
    if synchronised is False:
        return warn("clock", "not synchronised", "It may drift, and timers with it.", cure)
    return ok("clock", "synchronised" if synchronised else "plausible")
