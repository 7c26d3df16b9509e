"""Telling systemd how we are (sd_notify). Outside systemd every call does nothing, so callers need not ask.

Used from any thread; each call sends one datagram and does not block.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

_USEC = 1_000_000
_LONGEST_STATUS = 200
"""Characters; `systemctl status` shows one line."""


class Notifier:
    """sd_notify(3) in the words of a daemon.

    Args:
        environment: where `$NOTIFY_SOCKET`, `$WATCHDOG_USEC` and `$WATCHDOG_PID` are looked up.
        monotonic_usec: CLOCK_MONOTONIC in microseconds, which systemd compares with its own.
    """

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        monotonic_usec: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000,
    ) -> None:
        self._active = bool(environment.get("NOTIFY_SOCKET"))
        self._monotonic_usec = monotonic_usec
        self._status = ""
        self._complained = False
        self.watchdog_interval_s = _watchdog_interval(environment)
        """Seconds within which `watchdog()` must be called again and again; None if systemd does not watch."""

    @property
    def active(self) -> bool:
        """Whether systemd listens."""
        return self._active

    def ready(self, status: str) -> None:
        """Sound and panel are open (again): the start, or the reload, is done."""
        self._send("READY=1", self._status_line(status))

    def status(self, text: str) -> None:
        """What it does now, in words, for `systemctl status`. The same text twice is sent once."""
        if text != self._status:
            self._send(self._status_line(text))

    def reloading(self) -> None:
        """The settings are being read anew; `ready` must follow, also when they were refused.

        systemd 253 and later (`Type=notify-reload`) need the time, to tell this reload from an older one; 252 does
        not mind it.
        """
        self._send("RELOADING=1", f"MONOTONIC_USEC={self._monotonic_usec()}", self._status_line("reloading"))

    def stopping(self, status: str = "stopping") -> None:
        """The end has begun, and is meant."""
        self._send("STOPPING=1", self._status_line(status))

    def watchdog(self) -> None:
        """All is well. Call it only when it is: this is what keeps systemd from restarting us."""
        self._send("WATCHDOG=1")

    def _status_line(self, text: str) -> str:
        self._status = text
        return "STATUS=" + " ".join(text.split())[:_LONGEST_STATUS]

    def _send(self, *lines: str) -> None:
        if not self._active:
            return
        from systemd import daemon  # noqa: PLC0415 - absent outside Linux, and not needed without systemd

        try:
            daemon.notify("\n".join(lines))
        except OSError as error:
            # Not worth dying for: if systemd really does not hear us, its watchdog acts on that.
            level = logging.DEBUG if self._complained else logging.WARNING
            self._complained = True
            logger.log(level, "systemd does not take notifications: %s", error)


def _watchdog_interval(environment: Mapping[str, str]) -> float | None:
    usec, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not usec.isdigit() or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / _USEC
