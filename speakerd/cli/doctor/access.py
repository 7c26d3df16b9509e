"""Checks access: groups, devices, configuration, API key, optional parts. Pure."""

import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from speakerd.cli.doctor.finding import Finding, fail, ok, skip, warn

_MAKE_ANEW = "sudo scripts/install, in the folder of the sources; it keeps settings, key and state."


@dataclass(frozen=True, slots=True)
class Node:
    """A device file: its mode bits and its group's name."""

    path: str
    mode: int
    group: str


def groups(user: str, groups_of_user: Collection[str], wanted: Collection[str]) -> Finding:
    """Check whether the user that speakerd runs as is in the groups of the devices it uses."""
    missing = sorted(set(wanted) - set(groups_of_user))
    if user == "root":
        return ok("groups", "root may use every device")
    if missing:
        names = ",".join(missing)
        cause = "It may not open their devices."
        return fail(
            "groups", f"{user} is not in {names}", cause, f"sudo usermod -aG {names} {user}, then restart it."
        )
    return ok("groups", f"{user} is in {', '.join(sorted(wanted)) or 'all it needs'}")


def device_node(name: str, node: Node | None, group: str, cure_absent: str) -> Finding:
    """Check whether a device file exists and belongs to its group. Its absence is a warning only."""
    if node is None:
        return warn(name, "no such device", "The kernel has made none.", cure_absent)
    if node.group != group or not node.mode & stat.S_IWGRP:
        seen = f"{node.path} belongs to group {node.group}, mode {stat.S_IMODE(node.mode):04o}"
        cure = "Install systemd/udev/70-speakerd.rules to /etc/udev/rules.d, then sudo udevadm trigger."
        return fail(name, seen, f"Group {group} may not use it.", cure)
    return ok(name, f"{node.path} belongs to group {group}")


def configuration(file: str, problems: str) -> Finding:
    """Check whether the file loads; `problems` holds all its mistakes in words."""
    if problems:
        return fail("config", f"{file} is refused", problems, f"Mend them; then: speakerd check {file}")
    return ok("config", file)


def setting(key: str, problem: str, *, usable: bool) -> Finding:
    """Tell of a setting that is valid and probably not as meant, or, where it is not `usable`, has no effect here.

    `problem` says where, what, and what to do.
    """
    place, *cure = problem.splitlines()
    return (warn if usable else fail)("setting", key, place, "\n".join(line.strip() for line in cure))


def api_key(*, needed: bool, source: str, problem: str) -> Finding:
    """Check whether there is an API key, without the key itself."""
    if not needed:
        return skip("key", "none is needed with these settings")
    if problem:
        return fail(
            "key", "unusable", problem, "sudo scripts/install --key asks for it and puts it where it belongs."
        )
    if not source:
        cause = "The model's server lets nobody in without one."
        return fail(
            "key", "none found", cause, 'sudo scripts/install --key; or set model.backend = "offline".'
        )
    return ok("key", source)


def parts(modules: Mapping[str, bool], *, echo: str, offline: bool, espeak: bool) -> list[Finding]:
    """Check what every speaker needs, and what most are better with.

    Args:
        modules: which of these can be imported: livekit, pocketsphinx, pyaudio, webrtcvad.
        echo: `audio.echo`.
        offline: whether the embedded server is used.
        espeak: whether espeak-ng is installed.
    """
    findings = []
    for module, package in (("pyaudio", "PyAudio"), ("webrtcvad", "webrtcvad-wheels")):
        if not modules.get(module):
            findings.append(
                fail(module, f"{package} cannot be imported", "Nothing works without it.", _MAKE_ANEW)
            )
    if modules.get("livekit"):
        findings.append(ok("echo", "the canceller is installed"))
    elif echo == "cancel":
        cause = 'audio.echo = "cancel" needs the extra aec.'
        cure = 'sudo speakerd extras add aec; or set audio.echo = "half_duplex".'
        findings.append(fail("echo", "no canceller", cause, cure))
    elif echo == "auto":
        cause = "Half duplex: while it speaks it does not listen; only the button interrupts it."
        findings.append(warn("echo", "no canceller", cause, "sudo speakerd extras add aec"))
    if offline:
        if not modules.get("pocketsphinx"):
            cause = "The embedded server has no ears."
            findings.append(fail("offline", "no recogniser", cause, "sudo speakerd extras add offline"))
        elif not espeak:
            cause = "The embedded server has no voice."
            findings.append(fail("offline", "no espeak-ng", cause, "sudo apt install espeak-ng"))
        else:
            findings.append(ok("offline", "recogniser and voice are installed"))
    return findings


def extras(needed: Mapping[str, str], there: Collection[str]) -> list[Finding]:
    """Check the optional parts without which the settings cannot be in force.

    Args:
        needed: those parts: name -> the setting that asks for it.
        there: the names of all that are installed.
    """
    return [
        ok(name, f"installed, for {key}")
        if name in there
        else fail(
            name,
            "not installed",
            f"{key} needs it; until then the speaker does without.",
            f"sudo speakerd extras add {name}",
        )
        for name, key in needed.items()
    ]
