"""The file that keeps timers over restarts: small JSON, replaced as a whole, written only when a timer changes."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from speakerd.host.replace_file import replace_file
from speakerd.tools.errors import TimerStoreError

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 1_000_000
"""Bytes. No list of timers is longer."""


class TimerStore:
    """Loads and saves the list of timers. Thread-safe; a later list is never replaced by an earlier one."""

    def __init__(self, path: Path) -> None:
        """`path` is not read yet; its folder is made when it is needed."""
        self._path = path
        self._lock = threading.Lock()
        self._serial = 0
        self._written: str | None = None

    def load(self) -> Mapping[str, Any] | None:
        """Return the stored list; None if there is none. Raises TimerStoreError."""
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
        """Write `data`, unless a list with a higher serial was written already. Blocks while the disk writes.

        Returns False if nothing had to be written. Raises TimerStoreError.
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
                replace_file(self._path, json.dumps(data))
            except OSError as error:
                raise TimerStoreError(str(self._path), error.strerror or str(error)) from error
            self._written = timers
            return True
