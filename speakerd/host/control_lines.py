"""The control protocol's lines: JSON in, JSON out. Pure; `control` describes the protocol."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from speakerd.host.errors import CommandError

LONGEST_LINE = 65_536
"""Bytes. A text to be spoken is the longest thing there is."""

JsonId = str | int | None


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """What a client wants."""

    id: JsonId
    command: str
    args: dict[str, Any]


def parse_request(line: bytes) -> ControlRequest:
    """Read one line.

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
    """A request as one line."""
    return _line({"id": request.id, "command": request.command, "args": request.args})


def result_line(request_id: JsonId, result: Mapping[str, Any]) -> bytes:
    """The answer to a command that was done."""
    return _line({"id": request_id, "ok": True, "result": result})


def error_line(request_id: JsonId, kind: str, message: str) -> bytes:
    """The answer to a command that was not done."""
    return _line({"id": request_id, "ok": False, "error": {"kind": kind, "message": message}})


def event_line(event: Mapping[str, Any]) -> bytes:
    """One entry of the live view."""
    return _line(event)


def _line(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str).encode() + b"\n"
