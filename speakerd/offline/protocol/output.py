"""Collects what the parts of a session produce: events for the client, effects for the shell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speakerd.realtime import event_names as names

if TYPE_CHECKING:
    from speakerd.offline.protocol.effects import Effect
    from speakerd.offline.request_errors import RequestError


@dataclass(frozen=True, slots=True)
class Output:
    """The result of one call of the session: events to send and effects to carry out, each in order."""

    events: tuple[dict[str, Any], ...]
    effects: tuple[Effect, ...]


class OutputCollector:
    """Collects until `take`, and makes ids: unique within a session, and different between sessions by `token`."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._counter = 0
        self._events: list[dict[str, Any]] = []
        self._effects: list[Effect] = []

    def new_id(self, kind: str) -> str:
        """Return a new id of this kind: `item_...`, `resp_...`, `event_...`."""
        self._counter += 1
        return f"{kind}_{self._token}{self._counter:06d}"

    def emit(self, kind: str, **fields: Any) -> None:
        """Send the client an event of this type, with these fields."""
        self._events.append({"type": kind, "event_id": self.new_id("event"), **fields})

    def refuse(self, refusal: RequestError, client_event_id: str | None, error_type: str) -> None:
        """Send an `error` event that names the client's event."""
        error = {"type": error_type, "code": refusal.code, "message": refusal.message, "param": refusal.param}
        self.emit(names.ERROR, error={**error, "event_id": client_event_id})

    def perform(self, effect: Effect) -> None:
        """Ask the shell to carry out an effect."""
        self._effects.append(effect)

    def take(self) -> Output:
        """Return all that was collected since the last call."""
        output = Output(tuple(self._events), tuple(self._effects))
        self._events.clear()
        self._effects.clear()
        return output
