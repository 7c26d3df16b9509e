"""The file in which timers outlive the process: small JSON, replaced as a whole, written only when one changes.

The new text goes to a second file, to the disk, and then takes the name of the first: whenever the power fails,
there is the old list or the new one, never half of one.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from speakerd.tools.errors import TimerStoreError

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 1_000_000
"""Bytes. No list of timers is longer."""


class TimerStore:
    """See the module. Thread-safe; a later list is never replaced by an earlier one."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet; the folder is made when it is needed."""
        self._path = path
        self._lock = threading.Lock()
        self._serial = 0
        self._written: str | None = None

    def load(self) -> Mapping[str, Any] | None:
        """What was written last; None if nothing ever was. Raises TimerStoreError."""
        try:
            with self._path.open("rb") as file:
                data = json.loads(file.read(_LONGEST))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TimerStoreError(str(self._path), error.strerror or str(error)) from error
        except ValueError as error:
            raise TimerStoreError(str(self._path), "it holds no list of timers") from error
        if not isinstance(data, Mapping):
            raise TimerStoreError(str(self._path), "it holds no list of timers")
        return data

    def save(self, data: Mapping[str, Any], serial: int) -> bool:
        """Write `data`, unless a list of a higher serial is there already. Blocks for as long as the disk takes.

        False if nothing had to be written. Raises TimerStoreError.
        """
        timers = json.dumps(data.get("timers"), sort_keys=True)
        with self._lock:
            if serial < self._serial:
                return False
            self._serial = serial
            if timers == self._written or (
                self._written is None and timers == "[]" and not self._path.exists()
            ):
                return False
            try:
                self._replace(json.dumps(data))
            except OSError as error:
                raise TimerStoreError(str(self._path), error.strerror or str(error)) from error
            self._written = timers
            return True

    def _replace(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f".{self._path.name}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
