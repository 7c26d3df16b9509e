"""Makes the server's ids of responses, items and calls unique over all connections of a conversation.

Some servers number within a session: after a reconnect there is a `resp_1`, an `item_1`, a `call_1` again. What is
remembered by id (what has ended, was cut, is in the history, waits for its output) would then be taken for the new
one's. So an id that was used on an earlier connection gets another name here when the server brings it again, and
its own name back where it is sent on the same connection.

On a connection, items that were sent on it are meant by their names as they are: the server confirms them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from speakerd.realtime import event_names as names
from speakerd.realtime.bounded import BoundedDict, BoundedSet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_IDS = 4096
"""Ids that are remembered; nothing else remembers more than some hundred."""

_INTRODUCED: Final = ("response_id", "item_id", "call_id")
_SENT: Final = ("response_id", "item_id", "previous_item_id", "call_id", "approval_request_id")


class ServerIds:
    """The ids of one conversation.

    Args:
        one_session: All connections lead to the same session: an id that comes again is the same one.
    """

    def __init__(self, *, one_session: bool = False) -> None:
        self.one_session = one_session
        self._connection = 0
        self._used_on: BoundedDict[str, int] = BoundedDict(MAX_IDS)
        """The connection on which each was first used."""
        self._ours: BoundedSet[str] = BoundedSet(MAX_IDS)
        """Ids of items and calls that were sent on this connection."""
        self._renamed: BoundedDict[str, str] = BoundedDict(MAX_IDS)
        """On this connection: the server's id to ours."""
        self._originals: BoundedDict[str, str] = BoundedDict(MAX_IDS)
        """On this connection: ours to the server's."""

    def connected(self) -> None:
        """A connection was opened: the server's ids begin anew."""
        if not self.one_session:
            self._connection += 1
        for known in (self._ours, self._renamed, self._originals):
            known.clear()

    def sent(self, item: Mapping[str, Any]) -> None:
        """An item is sent to the server, which will speak of it by the ids that it has."""
        for key in ("id", "call_id"):
            if isinstance(known := item.get(key), str):
                self._ours.add(known)

    def received(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Return a server event of that canonical name with ids that are unique."""
        if name == names.AUDIO_DELTA:  # The hot path: of a response and an item that have begun here.
            try:
                if self._used_on[event["response_id"]] == self._used_on[event["item_id"]] == self._connection:
                    return event
            except (KeyError, TypeError):
                pass
        # Of the conversation the server also reports what was sent to it; all else is its own.
        unique = self._unique_or_ours if name.startswith("conversation.") else self._unique
        result: dict[str, Any] = _with(event, _INTRODUCED, unique)
        if isinstance(before := event.get("previous_item_id"), str) and before in self._renamed:
            result = {**result, "previous_item_id": self._renamed[before]}
        if isinstance(item := event.get("item"), dict):
            result = _put(result, "item", _with(item, ("id", "call_id"), unique))
        if isinstance(response := event.get("response"), dict):
            named = _with(response, ("id",), unique)
            if isinstance(output := response.get("output"), list) and output:
                named = _put(named, "output", [self._output(entry) for entry in output])
            result = _put(result, "response", named)
        return result

    def original(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a client event with the ids by which the server knows what it names."""
        if not self._originals:
            return event
        result: Mapping[str, Any] = _with(event, _SENT, self._original)
        if isinstance(item := event.get("item"), dict):
            result = _put(result, "item", _with(item, ("call_id", "approval_request_id"), self._original))
        response = event.get("response")
        if isinstance(response, dict) and isinstance(given := response.get("input"), list):
            inputs = [_with(entry, ("id",), self._original) for entry in given]
            result = {**result, "response": {**response, "input": inputs}}
        return result

    def _output(self, entry: object) -> object:
        return _with(entry, ("id", "call_id"), self._unique) if isinstance(entry, dict) else entry

    def _original(self, known: str) -> str:
        return self._originals.get(known, known)

    def _unique_or_ours(self, given: str) -> str:
        if given in self._ours and given not in self._renamed:
            return given
        return self._unique(given)

    def _unique(self, given: str) -> str:
        if self._used_on.get(given) == self._connection or not given:
            return given
        if given not in self._used_on:
            self._used_on[given] = self._connection
            return given
        if given not in self._renamed:
            number = self._connection
            while (name := f"{given}_{number}") in self._used_on:
                number += 1
            self._used_on[name] = self._connection
            self._renamed[given], self._originals[name] = name, given
        return self._renamed[given]


def _with(event: Any, keys: tuple[str, ...], name: Callable[[str], str]) -> Any:
    """Return the object with the ids under these keys as `name` gives them; itself where they stay."""
    result = event
    for key in keys:
        given = event.get(key)
        if given.__class__ is str and (named := name(given)) is not given:
            result = {**result, key: named}
    return result


def _put(event: Any, key: str, value: Any) -> Any:
    return event if event.get(key) is value else {**event, key: value}
