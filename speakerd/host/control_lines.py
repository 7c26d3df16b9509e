"""The control protocol's lines: JSON in, JSON out. Pure; `control` describes the protocol."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from speakerd.host.clean_text import clean_values
from speakerd.host.errors import CommandError

LONGEST_LINE = 65_536
"""Bytes. The longest request is a text to be spoken."""

LONGEST_WAIT_S = 86_400.0

JsonId = str | int | None


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """A command of a client, with its arguments."""

    id: JsonId
    command: str
    args: dict[str, Any]

    @property
    def wait_s(self) -> float:
        """For how long the client is willing to wait for what the command has to wait for, in seconds."""
        value = self.args.get("wait_s", 0)
        waits = isinstance(value, int | float) and not isinstance(value, bool)
        return min(max(0.0, float(value)), LONGEST_WAIT_S) if waits else 0.0


def parse_request(line: bytes) -> ControlRequest:
    """Return the request in a line.

    Raises:
        CommandError: it is not a request; kind `bad_request`.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise CommandError("bad_request", "a request is one line of JSON") from None
    if not isinstance(data, dict):
        raise CommandError("bad_request", 'a request is an object: {"id": 1, "command": "status"}')
    request_id, command, args = data.get("id"), data.get("command"), data.get("args", {})
    if not isinstance(command, str) or not command:
        raise CommandError("bad_request", '"command" must be a text')
    if not isinstance(args, dict):
        raise CommandError("bad_request", '"args" must be an object')
    if request_id is not None and (not isinstance(request_id, (str, int)) or isinstance(request_id, bool)):
        raise CommandError("bad_request", '"id" must be a text or a whole number')
    return ControlRequest(request_id, command, args)


def request_line(request: ControlRequest) -> bytes:
    """Return a request as a line of the control protocol: JSON, with its newline."""
    return _line({"id": request.id, "command": request.command, "args": request.args})


def result_line(request_id: JsonId, result: Mapping[str, Any]) -> bytes:
    """Return the answer to a command that was carried out, as a line."""
    return _line({"id": request_id, "ok": True, "result": result})


def error_line(request_id: JsonId, kind: str, message: str) -> bytes:
    """Return the answer to a command that was refused or failed, as a line."""
    return _line({"id": request_id, "ok": False, "error": {"kind": kind, "message": message}})


def event_line(event: Mapping[str, Any]) -> bytes:
    """Return an event of the live view as a line."""
    return _line(event)


def _line(data: Mapping[str, Any]) -> bytes:
    # All that goes out passes here: a client may write it to a terminal as it is.
    cleaned = clean_values(data, lines=True)
    text = json.dumps(cleaned, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", "backslashreplace") + b"\n"
