"""The daemon as its control socket shows it: commands, and the live view in a thread that misses nothing.

Waiting for events and not for seconds: an emulated processor takes its time, and the clock of those events is the
guest's own, CLOCK_MONOTONIC, like everybody's here.
"""

import contextlib
import json
import socket
import threading
import time
from typing import Any, Self

from .machine import wait_until

SOCKET = "/run/speakerd/control.sock"
PATIENCE_S = 120.0


def ask(command: str, **args: Any) -> dict[str, Any]:
    """Have one command done. Raises RuntimeError with the daemon's reason."""
    with _connected() as connection:
        _send(connection, command, args)
        answer = json.loads(connection.makefile("rb").readline())
    if not answer["ok"]:
        raise RuntimeError(answer["error"]["message"])
    result: dict[str, Any] = answer["result"]
    return result


class Watch:
    """The live view from now on. Ends by itself when the daemon does; `levels` are left out."""

    def __init__(self) -> None:
        """Connects once the socket is there."""
        wait_until(self._connect, PATIENCE_S)
        self.events: list[dict[str, Any]] = []
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def wait(self, after: float, timeout_s: float = PATIENCE_S, **wanted: Any) -> dict[str, Any] | None:
        """The first event that happened at `after` or later and has these fields; None if none comes in time."""
        end = time.monotonic() + timeout_s
        with self._news:
            while True:
                for event in self.events:
                    if event.get("at", 0) >= after and all(event.get(k) == v for k, v in wanted.items()):
                        return event
                if not self._news.wait(end - time.monotonic()):
                    return None

    def phase(self, name: str, after: float, timeout_s: float = PATIENCE_S) -> float:
        """When it entered that phase, at `after` or later; 0 if it does not."""
        event = self.wait(after, timeout_s, event="state", phase=name)
        return 0.0 if event is None else float(event["at"])

    def of(self, event: str, after: float) -> list[dict[str, Any]]:
        """All such events since `after`."""
        with self._news:
            return [entry for entry in self.events if entry["event"] == event and entry.get("at", 0) >= after]

    def _connect(self) -> bool:
        try:
            self._connection = _connected()
        except OSError:
            return False
        _send(self._connection, "monitor", {})
        return True

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in self._connection.makefile("rb"):
                event = json.loads(line)
                if event.get("event") in {None, "level"}:
                    continue
                with self._news:
                    self.events.append(event)
                    self._news.notify_all()


def to_idle() -> None:
    """End whatever it does."""
    ask("stop")
    wait_until(lambda: ask("status")["phase"] == "idle", PATIENCE_S, 0.5)


def answer_to(text: str) -> str:
    """Ask by text; the words of the answer."""
    with Watch() as watch:
        begun = time.monotonic()
        ask("ask", text=text)
        caption = watch.wait(begun, event="caption", role="assistant", final=True)
    return "" if caption is None else str(caption["text"])


def _connected() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(PATIENCE_S)
    try:
        connection.connect(SOCKET)
    except OSError:
        connection.close()
        raise
    connection.settimeout(None)
    return connection


def _send(connection: socket.socket, command: str, args: dict[str, Any]) -> None:
    connection.sendall(json.dumps({"id": 1, "command": command, "args": args}).encode() + b"\n")
