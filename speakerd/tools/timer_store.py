"""The file that keeps timers over restarts: small JSON, replaced as a whole, written only when a timer changes."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from speakerd.host.replace_file import replace_file
from speakerd.host.stored_text import load_stored
from speakerd.tools.errors import TimerStoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_T = TypeVar("_T")


class TimerStore:
    """Loads and saves the list of timers. Thread-safe; a later list is never replaced by an earlier one."""

    def __init__(self, path: Path) -> None:
        """`path` is not read yet; its folder is made when it is needed."""
        self._path = path
        self._lock = threading.Lock()
        self._serial = 0
        self._written: str | None = None
        self._writable = True
        self.problem: str | None = None
        """Why the list could not be read, or is not stored; None while all is well."""

    def load(self, restore: Callable[[Mapping[str, Any]], _T]) -> _T | None:
        """Return what `restore` makes of the stored list; None if there is none, or it cannot be used.

        One that `restore` refuses with a ValueError, or that cannot be read, is set aside; a warning says so.
        """

        def read(text: str) -> _T:
            data = json.loads(text)
            if not isinstance(data, Mapping):
                raise ValueError("it holds no list of timers")  # noqa: TRY004  # what is wrong is the file
            return restore(data)

        stored = load_stored(self._path, read, what="the list of timers", instead="and begins anew")
        self.problem = stored.problem
        self._writable = stored.writable
        return stored.value

    def save(self, data: Mapping[str, Any], serial: int) -> bool:
        """Write `data`, unless a list with a higher serial was written already. Blocks while the disk writes.

        Returns False if nothing had to be written. Raises TimerStoreError.
        """
        timers = json.dumps(data.get("timers"), sort_keys=True)
        with self._lock:
            if serial < self._serial or not self._writable:
                return False
            self._serial = serial
            if timers == self._written or (
                self._written is None and timers == "[]" and not self._path.exists()
            ):
                return False
            try:
                replace_file(self._path, json.dumps(data))
            except OSError as error:
                failure = TimerStoreError(str(self._path.parent), error.strerror or str(error))
                self.problem = str(failure)
                raise failure from error
            self._written, self.problem = timers, None
            return True
