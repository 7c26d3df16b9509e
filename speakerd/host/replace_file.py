"""Replacing the content of a small file in one step."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_file(path: Path, text: str, *, keep_owner: bool = False) -> None:
    """Put `text` into the file in one step: after a power cut it holds the old text or the new one, no mixture.

    The text is written to a draft in the same folder, forced to the disk, and renamed; then the folder is forced to
    the disk, since the new name would be lost with it otherwise. The folder is made if it is missing. Blocks for as
    long as the disk takes; may be called from any thread, and by several at a time.

    Args:
        path: the file; it need not exist.
        text: its new content, written as UTF-8.
        keep_owner: give the new file mode, owner and group of the old one, which must exist; otherwise the mode is
            0600.

    Raises:
        OSError: the file is unchanged, or the old text may come back at a power cut. No draft is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as draft:
            if keep_owner:
                old = path.stat()
                os.fchmod(draft.fileno(), old.st_mode & 0o7777)
                if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(draft.fileno(), old.st_uid, old.st_gid)
            draft.write(text)
            draft.flush()
            os.fsync(draft.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
