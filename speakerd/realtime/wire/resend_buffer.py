"""Keeps what a lost connection would lose, to send it again on the next one.

Three things exist only on their way to the server and in its memory:

- audio appended and not yet committed;
- audio committed, until it is transcribed (then it can be replayed as text) or answered;
- items created (messages, tool outputs), until the server has confirmed them or answered.

They are kept in the order of their sending, bounded in number and in seconds. `seal()` marks what was sent before a
response began; once that response has brought something, `answered()` drops what was sealed.

While there is no connection, what is sent meanwhile is kept in the same way. Of answered turns that were never
transcribed the sound is kept, too, as far as there is room: nothing else tells a new session what was said. Pure.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from speakerd.realtime.wire.due import MAX_ASKED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_AUDIO_S = 30.0
"""The most audio kept, of the turn being spoken and of committed turns each. The oldest is dropped."""

MAX_ENTRIES = 64
"""The most items and turns kept. The oldest is dropped."""

LEAD_IN_S = 1.0
"""Audio kept from before the server noticed the user's speech."""


@dataclass(slots=True)
class SpokenTurn:
    """Committed audio. `item_id` is `None` until the server has reported which item it became."""

    audio: bytes
    item_id: str | None = None
    sealed: bool = False
    asked: int = 0
    """On how many connections it was sent, and was lost with them unanswered."""


@dataclass(slots=True)
class PendingItem:
    """A `conversation.item.create` without its type and event id."""

    item: Mapping[str, Any]
    previous_item_id: str | None = None
    sealed: bool = False


@dataclass(slots=True)
class PendingRaw:
    """A message of the program's own that could not be sent yet."""

    message: Mapping[str, Any]
    sealed: bool = False


@dataclass(slots=True)
class _Buffer:
    chunks: deque[bytes] = field(default_factory=deque)
    size: int = 0

    def append(self, chunk: bytes, limit: int) -> None:
        self.chunks.append(chunk)
        self.size += len(chunk)
        if self.size > limit:
            self.trim(limit)

    def trim(self, limit: int) -> None:
        while self.size > limit and len(self.chunks) > 1:
            self.size -= len(self.chunks.popleft())

    def take(self) -> bytes:
        audio = b"".join(self.chunks)
        self.chunks.clear()
        self.size = 0
        return audio


class ResendBuffer:
    """The audio and items of one conversation that the server has not safely taken over.

    `bytes_per_ms` is that of the input format.
    """

    def __init__(self, bytes_per_ms: float = 48.0) -> None:
        self.bytes_per_ms = bytes_per_ms
        self._entries: deque[SpokenTurn | PendingItem | PendingRaw] = deque()
        self._buffer = _Buffer()
        self._answered: dict[str, bytes] = {}
        """The sound of answered turns without a transcript, by item id, oldest first."""

    def sound_of(self, item_id: str) -> bytes | None:
        """Return the sound of an answered turn of which there is no transcript."""
        return self._answered.get(item_id)

    @property
    def uncommitted(self) -> bytes:
        """The audio of the turn being spoken, not committed yet."""
        return b"".join(self._buffer.chunks)

    @property
    def has_uncommitted(self) -> bool:
        """Whether audio was appended since the last commit or clear."""
        return self._buffer.size > 0

    @property
    def entries(self) -> tuple[SpokenTurn | PendingItem | PendingRaw, ...]:
        """The turns and items that would be lost, in the order of their sending."""
        return tuple(self._entries)

    def append(self, audio: bytes) -> None:
        """Audio was appended to the input buffer."""
        self._buffer.append(audio, self._bytes(MAX_AUDIO_S))

    def clear(self) -> None:
        """Forget the audio that is not committed: the input buffer was cleared."""
        self._buffer.take()

    def speech_started(self) -> None:
        """The server detected speech: drop the silence that was appended before it, but for a lead-in."""
        self._buffer.trim(self._bytes(LEAD_IN_S))

    def commit(self) -> None:
        """Keep the audio so far as a turn that the server has not confirmed: the client committed it."""
        if self._buffer.size:
            self._add(SpokenTurn(self._buffer.take()))

    def committed(self, item_id: str) -> None:
        """The server made an item of the input buffer: after the client's commit, or by itself."""
        for entry in self._entries:
            if isinstance(entry, SpokenTurn) and entry.item_id in (None, item_id):
                entry.item_id = item_id
                return
        if self._buffer.size:
            self._add(SpokenTurn(self._buffer.take(), item_id))

    def create(self, item: Mapping[str, Any], previous_item_id: str | None = None) -> None:
        """Keep an item that the client created until the server confirms or refuses it."""
        self._add(PendingItem(item, previous_item_id))

    def defer(self, message: Mapping[str, Any]) -> None:
        """Keep a raw message until there is a connection."""
        self._add(PendingRaw(message))

    def confirmed(self, item: Mapping[str, Any]) -> None:
        """The server confirmed that item: drop it."""
        self._remove(
            lambda known: (
                known.get("id") == item.get("id")
                or (known.get("call_id") is not None and known.get("call_id") == item.get("call_id"))
            )
        )

    def refused(self, item_id: str) -> None:
        """The server refused that item: drop it, since sending it again cannot help."""
        self._remove(lambda known: known.get("id") == item_id)

    def transcribed(self, item_id: str) -> None:
        """That turn was transcribed: drop its audio, since it can be replayed as text."""
        self._keep(entry for entry in self._entries if not _is_turn(entry, item_id))
        self._answered.pop(item_id, None)

    def seal(self) -> None:
        """A response began: mark everything kept so far as being answered by it."""
        for entry in self._entries:
            entry.sealed = True

    def answered(self) -> None:
        """The response brought something: drop what it answers."""
        if self._entries and self._entries[0].sealed:
            for entry in self._entries:
                if entry.sealed and isinstance(entry, SpokenTurn) and entry.item_id:
                    self._remember(entry.item_id, entry.audio)
            self._keep(entry for entry in self._entries if not entry.sealed)

    def give_up(self) -> bool:
        """Drop everything, since it cannot be sent; return whether there was anything."""
        anything = bool(self._entries or self._buffer.size)
        self._entries.clear()
        self._buffer.take()
        return anything

    def connection_lost(self, *, turns_ask: bool = False) -> None:
        """The connection on which all of this was sent is lost: no response will answer what was sealed.

        `turns_ask`: the server answers each turn that is sent. So one is sent `MAX_ASKED` times, as a request is.
        """
        for entry in self._entries:
            entry.sealed = False
            if isinstance(entry, SpokenTurn):
                entry.asked += 1
        if turns_ask:
            self._keep(
                entry
                for entry in self._entries
                if not isinstance(entry, SpokenTurn) or entry.asked < MAX_ASKED
            )

    def take_raw(self) -> list[Mapping[str, Any]]:
        """Remove and return the raw messages that waited for the connection."""
        raw = [entry.message for entry in self._entries if isinstance(entry, PendingRaw)]
        self._keep(entry for entry in self._entries if not isinstance(entry, PendingRaw))
        return raw

    def _remember(self, item_id: str, audio: bytes) -> None:
        self._answered[item_id] = audio
        while sum(map(len, self._answered.values())) > self._bytes(MAX_AUDIO_S):
            del self._answered[next(iter(self._answered))]

    def _remove(self, matches: Any) -> None:
        self._keep(
            entry for entry in self._entries if not (isinstance(entry, PendingItem) and matches(entry.item))
        )

    def _add(self, entry: SpokenTurn | PendingItem | PendingRaw) -> None:
        self._entries.append(entry)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popleft()
        audio = sum(len(turn.audio) for turn in self._entries if isinstance(turn, SpokenTurn))
        while audio > self._bytes(MAX_AUDIO_S):
            oldest = next(turn for turn in self._entries if isinstance(turn, SpokenTurn))
            if oldest is entry:
                break
            audio -= len(oldest.audio)
            self._entries.remove(oldest)

    def _keep(self, entries: Iterable[SpokenTurn | PendingItem | PendingRaw]) -> None:
        self._entries = deque(entries)

    def _bytes(self, seconds: float) -> int:
        return int(seconds * 1000 * self.bytes_per_ms)


def _is_turn(entry: SpokenTurn | PendingItem | PendingRaw, item_id: str) -> bool:
    return isinstance(entry, SpokenTurn) and entry.item_id == item_id
