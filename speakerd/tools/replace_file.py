"""Putting a new text in the place of a small file in one step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Have `text`, ASCII, in the file; mode 0600, its folder is made when it is needed.

    The text goes to a second file, to the disk, and then takes the name of the first: whenever the power fails,
    there is the old text or the new one, never half of one. Blocks for as long as the disk takes. Raises OSError.
    Two at a time on one path would share the second file: its owner sees to it that there is one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
