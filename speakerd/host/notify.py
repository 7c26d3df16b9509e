"""Reports the state of the daemon to systemd (sd_notify). Without systemd every call does nothing.

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
    """Sends notifications by sd_notify(3).

    Args:
        environment: holds `$NOTIFY_SOCKET`, `$WATCHDOG_USEC` and `$WATCHDOG_PID`.
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
        """Longest time between two calls of `watchdog()`; None if systemd does not watch."""

    @property
    def active(self) -> bool:
        """Whether systemd receives notifications."""
        return self._active

    def ready(self, status: str) -> None:
        """The start or the reload is done: sound and panel are open."""
        self._send("READY=1", self._status_line(status))

    def status(self, text: str) -> None:
        """Set the status line of `systemctl status`. A text that is unchanged is not sent again."""
        if text != self._status:
            self._send(self._status_line(text))

    def reloading(self) -> None:
        """A reload has begun; `ready` must follow, also if the settings were refused.

        systemd 253 and later (`Type=notify-reload`) need the time, to distinguish this reload from an older one;
        252 ignores it.
        """
        self._send("RELOADING=1", f"MONOTONIC_USEC={self._monotonic_usec()}", self._status_line("reloading"))

    def stopping(self, status: str = "stopping") -> None:
        """An intended shutdown has begun."""
        self._send("STOPPING=1", self._status_line(status))

    def watchdog(self) -> None:
        """Feed the watchdog. To be called only while everything runs: without it systemd restarts the daemon."""
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
            # Not fatal: if systemd really receives nothing, its watchdog acts.
            level = logging.DEBUG if self._complained else logging.WARNING
            self._complained = True
            logger.log(level, "systemd does not take notifications: %s", error)


def _watchdog_interval(environment: Mapping[str, str]) -> float | None:
    usec, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not usec.isdigit() or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / _USEC
