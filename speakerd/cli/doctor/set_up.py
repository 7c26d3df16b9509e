"""Sends a server the settings of a session, and compares them with what it says it has taken. Pure.

No answer is asked for, so it costs nothing.

The same code makes the `session.update` that a conversation begins with, in the dialect of the server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speakerd.cli.doctor.finding import Finding, fail, ok, warn
from speakerd.config.validate import merged
from speakerd.daemon.model_config import dialect_of, session_settings, setting_of
from speakerd.realtime.errors import SettingChangedError, SettingRefusedError, SetUpRefusedError
from speakerd.realtime.wire import RealtimeProtocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from speakerd.config.model_settings import ModelSettings
    from speakerd.realtime.agents import FunctionTool

SHOWN = 40
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A setting that the server refused: its name at the server, and what the server says."""

    parameter: str
    message: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A setting that the server has otherwise than it was sent: its name there, what was sent, what it has."""

    parameter: str
    sent: Any
    got: Any


class SetUp:
    """One set-up: `frames()` are to be sent, what comes goes into `take()`, until `done`."""

    def __init__(self, model: ModelSettings, tools: Sequence[FunctionTool]) -> None:
        settings = {**session_settings(model), "instructions": model.instructions, "tools": list(tools)}
        self._protocol = RealtimeProtocol(
            settings,  # type: ignore[arg-type]  # two keys more than the function's own
            dialect=dialect_of(model),
            raw_events=False,
        )
        self._protocol.connected([], 0.0)
        self._sent: dict[str, Any] = {}
        self._got: dict[str, Any] | None = None
        self.refused: list[Refused] = []
        self.problems: list[str] = []

    def frames(self) -> list[str]:
        """Return the frames that are to be sent now."""
        frames = list(iter(self._protocol.next_frame, None))
        for frame in frames:
            self._sent = merged(self._sent, json.loads(frame).get("session") or {})
        return frames

    def take(self, frame: str | bytes) -> None:
        """Take a frame of the server."""
        for event in self._protocol.receive(frame, 0.0):
            error = getattr(event, "error", None)
            if isinstance(error, SettingRefusedError):
                self.refused.append(Refused(error.parameter, error.message))
            elif event.type == "error" and not isinstance(error, SetUpRefusedError | SettingChangedError):
                self.problems.append(_message(error))
        data = json.loads(frame)
        if isinstance(data, dict) and data.get("type") == "session.updated":
            self._got = data.get("session") or {}

    @property
    def done(self) -> bool:
        """Whether all of it was confirmed or refused."""
        return not (self._protocol.awaits_server or self._protocol.has_data_to_send)

    @property
    def confirmed(self) -> bool:
        """Whether the server has said what it took."""
        return self._got is not None

    @property
    def changed(self) -> list[Changed]:
        """What the server has otherwise than it was sent, as far as it says so, and did not refuse."""
        refused = {each.parameter.removeprefix("session.") for each in self.refused}
        return [
            Changed(name, sent, got)
            for name, sent, got in _differences(self._sent, self._got or {}, "")
            if not any(name.startswith(each) or each.startswith(name) for each in refused)
        ]

    @property
    def unsaid(self) -> list[str]:
        """The names of what was sent and is not in the server's account."""
        got = self._got or {}
        return [name for name in _leaves(self._sent) if name != "type" and _at(got, name) is _ABSENT]


def findings(set_up: SetUp) -> Iterator[Finding]:
    """Yield what came of a set-up, by the names of the settings."""
    name = "settings"
    for refused in set_up.refused:
        yield fail(
            name,
            f"{setting_of(refused.parameter) or refused.parameter} is refused",
            f"The server says: {refused.message}",
            "Write another value, or leave it out: the speaker works without it.",
        )
    for problem in set_up.problems:
        yield warn(name, "the server reports an error", problem, "Look at model.provider and model.dialect.")
    if not set_up.confirmed:
        cause = "It sent no session.updated: what it has taken is not known."
        yield warn(name, "not confirmed", cause, "Is model.provider the one of this server?")
        return
    for changed in set_up.changed:
        yield warn(
            name,
            f"{_sent_by(changed.parameter)} is {_short(changed.got)} there",
            f"We have sent {_short(changed.sent)}.",
            "The server has its own mind; write what it has, if that suits you.",
        )
    if not (set_up.refused or set_up.changed or set_up.problems):
        unsaid = sorted({_sent_by(each) for each in set_up.unsaid})
        rest = f"; not in its account: {', '.join(unsaid)}" if unsaid else ""
        yield ok(name, f"taken by the server as they were sent{rest}")


def _sent_by(parameter: str) -> str:
    """Return the setting that made us send a field; what comes from no other is passed through."""
    return setting_of(parameter) or "model.extra"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _message(error: Any) -> str:
    if isinstance(error, Mapping):
        return str(error.get("message") or error.get("code") or "an unknown one")
    return str(error)


_ABSENT = object()


def _differences(sent: Any, got: Any, above: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield what of a table is there otherwise: name, what was sent, what is there. What is not there is none."""
    for key, value in sent.items():
        name, there = f"{above}{key}", got.get(key, _ABSENT) if isinstance(got, Mapping) else _ABSENT
        if there is _ABSENT:
            continue
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            yield from _differences(value, there, f"{name}.")
        elif not _same(value, there):
            yield name, value, there


def _same(sent: Any, there: Any) -> bool:
    """Whether a value is there as it was sent; tables may have more in them."""
    if isinstance(sent, Mapping) and isinstance(there, Mapping):
        return all(_same(value, there.get(key)) for key, value in sent.items())
    if isinstance(sent, list) and isinstance(there, list):
        return len(sent) == len(there) and all(map(_same, sent, there))
    if isinstance(sent, int | float) and isinstance(there, int | float):
        return abs(sent - there) < 1e-6
    return bool(sent == there)


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}"


def _at(table: Any, name: str) -> Any:
    for key in name.split("."):
        if table is None:
            return None  # A whole table that is off says so of each of its fields.
        if not isinstance(table, Mapping) or key not in table:
            return _ABSENT
        table = table[key]
    return table
