"""What the owner has chosen of the optional parts: kept in one small file, which every upgrade follows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from speakerd.cli.optional_parts.catalogue import EXTRAS
from speakerd.host.replace_file import replace_file

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

RECORD: Final = Path("/etc/speakerd/extras")

_HEAD = """\
# Which optional parts speakerd has: what `speakerd extras add` and `remove` and `scripts/install --with`
# and `--without` were told. An upgrade does the same. What is not named here is installed where it can be had.
"""

Wish = Literal["must", "may", "no", "needed"]
"""What an installation does about a part.

must: without it the installation has failed; may: if it can be had; no: left out on purpose; needed: likewise, but
the settings ask for it.
"""


def choices_of(text: str) -> dict[str, bool]:
    """Return the choices in a record's text: name -> whether it is wanted. What cannot be read is left out."""
    known = {extra.name for extra in EXTRAS}
    found = {}
    for line in text.splitlines():
        match line.split():
            case ["with" | "without" as how, name] if name in known:
                found[name] = how == "with"
    return found


def recorded(file: Path = RECORD) -> dict[str, bool]:
    """Return the choices in the file; none if there is no file. Raises OSError."""
    try:
        return choices_of(file.read_text("utf-8", "replace"))
    except FileNotFoundError:
        return {}


def record(choices: Mapping[str, bool], file: Path = RECORD) -> None:
    """Write further choices into the file, over those in it. Raises OSError."""
    all_of_them = recorded(file) | dict(choices)
    if all_of_them == recorded(file):
        return
    lines = [
        f"{'with' if all_of_them[extra.name] else 'without'} {extra.name}\n"
        for extra in EXTRAS
        if extra.name in all_of_them
    ]
    replace_file(file, _HEAD + "".join(lines))
    file.chmod(0o644)


def wishes(
    kept: Mapping[str, bool], asked: Mapping[str, bool], needed: Collection[str], had: Collection[str]
) -> dict[str, Wish]:
    """Return what an installation has to do about each part. Pure.

    Args:
        kept: What was chosen before.
        asked: What is chosen now, which counts more.
        needed: What the settings ask for.
        had: What the version before has.
    """
    found: dict[str, Wish] = {}
    for extra in EXTRAS:
        name = extra.name
        if name in asked:
            found[name] = "must" if asked[name] else "no"
        elif kept.get(name) is False:
            found[name] = "needed" if name in needed else "no"
        else:
            found[name] = "must" if kept.get(name) or name in had else "may"
    return found
