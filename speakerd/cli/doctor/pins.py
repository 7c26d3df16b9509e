"""Checks whether the pins exist and are free. Pure."""

from collections.abc import Mapping, Sequence

from speakerd.cli.doctor.finding import Finding, fail, ok, skip, warn
from speakerd.cli.doctor.gpio_chips import Chip, Line
from speakerd.panel.header import pin_name

OURS = ("lg", "speakerd", "gpiozero")
"""Names of consumers that are lgpio or speakerd."""


def chip(found: Sequence[Chip], pins: Mapping[str, int | str]) -> Finding:
    """Check whether there is a header for the pins that the settings name."""
    header = next((chip for chip in found if chip.is_header), None)
    shown = ", ".join(f"{chip.path} ({chip.label})" for chip in found) or "no GPIO chip may be opened"
    if header:
        return ok("gpio", f"{header.path}: {header.label}, {header.lines} lines")
    if not pins:
        return skip("gpio", f"no pin is named in the settings; {shown}")
    cause = "The settings name pins, and this machine has no Raspberry Pi's header that this user may open."
    return fail(
        "gpio", shown, cause, 'Group gpio for the user; or panel.kind = "none" on a machine without pins.'
    )


def held(pins: Mapping[str, int | str], lines: Mapping[str, Line], *, service_active: bool) -> list[Finding]:
    """Check which process holds each pin.

    Args:
        pins: pin by the key of its setting.
        lines: the kernel's report on it, by the same key; pins without one are left out.
        service_active: whether the service runs, and may therefore hold them.
    """
    findings = []
    for key, pin in pins.items():
        state = lines.get(key)
        if state is None:
            findings.append(skip("pin", f"{key} = {pin_name(pin)}: the kernel cannot be asked about it"))
        elif not state.used:
            findings.append(ok("pin", f"{key} = {pin_name(pin)} is free"))
        elif service_active and state.consumer.startswith(OURS):
            findings.append(ok("pin", f"{key} = {pin_name(pin)} is held by the running service"))
        else:
            by = state.consumer or "the kernel"
            cure = "End that program; or, if a dtoverlay claims it, use another pin."
            findings.append(
                fail(
                    "pin",
                    f"{key} = {pin_name(pin)} is held by {by}",
                    "Only one program can have a pin.",
                    cure,
                )
            )
    return findings


def pressed(seconds: float | None, limit_s: float) -> Finding:
    """Check whether the button was pressed; `seconds` is None if it was not."""
    if seconds is None:
        cause = f"No press within {limit_s:.0f} s."
        cure = "Is it wired between the pin and ground, and panel.button.pin the GPIO number, not the place?"
        return warn("button", "not pressed", cause, cure)
    return ok("button", f"pressed after {seconds:.1f} s")
