"""The words that cases are written in: what a program does (`Do…`), and what must come of it (expectations)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Pattern: TypeAlias = Mapping[str, Any]
"""Matches a mapping that has at least these keys with matching values; a callable decides for itself."""


# What the program does.


@dataclass(frozen=True)
class Say:
    """`session.send_message`."""

    message: Any


@dataclass(frozen=True)
class Audio:
    """`session.send_audio` of so many milliseconds."""

    ms: int = 100
    commit: bool = False


@dataclass(frozen=True)
class Interrupt:
    """`session.interrupt`."""


@dataclass(frozen=True)
class Until:
    """Wait until the session has told `count` events that match."""

    type: str
    where: Pattern = field(default_factory=dict)
    count: int = 1


@dataclass(frozen=True)
class Played:
    """So much more of that item was heard: told to the playback tracker."""

    item_id: str
    ms: float
    content_index: int = 0


@dataclass(frozen=True)
class SendRaw:
    """`session.model.send_event(RealtimeModelSendRawMessage(...))`."""

    message: Json


@dataclass(frozen=True)
class Update:
    """`session.model.send_event(RealtimeModelSendSessionUpdate(...))`."""

    settings: Json


@dataclass(frozen=True)
class UpdateAgent:
    """`session.update_agent` of a clone with these changes."""

    changes: Json


@dataclass(frozen=True)
class Approve:
    call_id: str
    always: bool = False


@dataclass(frozen=True)
class Reject:
    call_id: str
    message: str | None = None


@dataclass(frozen=True)
class Method:
    """A call that our layer adds to the documented ones."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Pause:
    """Let so many seconds pass: only where time itself is the matter."""

    seconds: float


Action: TypeAlias = (
    Say
    | Audio
    | Interrupt
    | Until
    | Played
    | SendRaw
    | Update
    | UpdateAgent
    | Approve
    | Reject
    | Method
    | Pause
)


# What came of it.


@dataclass
class Outcome:
    """All that can be seen from outside after a case was run."""

    sent: list[Json] = field(default_factory=list)
    """Client events, as the server got them."""
    events: list[Json] = field(default_factory=list)
    """Session events, reduced to plain values; and `model:*` for those of the model below."""
    history: list[Json] = field(default_factory=list)
    """The last history that an event carried."""
    headers: list[Mapping[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    failure: str | None = None
    """Why the talk did not come to its end."""


def matches(pattern: Any, value: Any) -> bool:
    """`value` has at least what `pattern` says."""
    if callable(pattern):
        return bool(pattern(value))
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(
            key in value and matches(wanted, value[key]) for key, wanted in pattern.items()
        )
    if isinstance(pattern, list):
        return (
            isinstance(value, list)
            and len(pattern) == len(value)
            and all(matches(p, v) for p, v in zip(pattern, value, strict=True))
        )
    return bool(pattern == value)


def _count(entries: Sequence[Json], kind: str, where: Pattern) -> int:
    return sum(1 for entry in entries if entry.get("type") == kind and matches(where, entry))


@dataclass(frozen=True)
class Sent:
    """The client sent such an event: at least once, or exactly `times`."""

    type: str
    where: Pattern = field(default_factory=dict)
    times: int | None = None

    def check(self, outcome: Outcome) -> str | None:
        found = _count(outcome.sent, self.type, self.where)
        if (found == self.times) if self.times is not None else found:
            return None
        alike = [entry for entry in outcome.sent if entry.get("type") == self.type]
        return f"sent {found} of {self.type}, wanted {'some' if self.times is None else self.times}: {str(alike)[:300]}"


@dataclass(frozen=True)
class Saw:
    """The session told such an event: at least once, or exactly `times`."""

    type: str
    where: Pattern = field(default_factory=dict)
    times: int | None = None

    def check(self, outcome: Outcome) -> str | None:
        found = _count(outcome.events, self.type, self.where)
        if (found == self.times) if self.times is not None else found:
            return None
        alike = [entry for entry in outcome.events if entry.get("type") == self.type]
        return f"told {found} of {self.type}, wanted {'some' if self.times is None else self.times}: {str(alike)[:300]}"


@dataclass(frozen=True)
class SentInOrder:
    """The client sent events that match these, in this order; others may stand between."""

    patterns: tuple[Pattern | str, ...]

    def check(self, outcome: Outcome) -> str | None:
        return _in_order(self.patterns, outcome.sent, "sent")


@dataclass(frozen=True)
class SawInOrder:
    """The session told events that match these, in this order; others may stand between."""

    patterns: tuple[Pattern | str, ...]

    def check(self, outcome: Outcome) -> str | None:
        return _in_order(self.patterns, outcome.events, "told")


def _in_order(patterns: Sequence[Pattern | str], entries: Sequence[Json], verb: str) -> str | None:
    at = 0
    for entry in entries:
        if at < len(patterns):
            wanted = patterns[at]
            at += matches({"type": wanted} if isinstance(wanted, str) else wanted, entry)
    if at == len(patterns):
        return None
    return f"not {verb} in this order: {patterns[at]}; there were {[entry.get('type') for entry in entries]}"[
        :600
    ]


@dataclass(frozen=True)
class Plays:
    """So many milliseconds of that item were given to be played."""

    item_id: str
    ms: int

    def check(self, outcome: Outcome) -> str | None:
        got = sum(e["ms"] for e in outcome.events if e["type"] == "audio" and e["item_id"] == self.item_id)
        return None if got == self.ms else f"{got} ms of {self.item_id} were played, wanted {self.ms}"


@dataclass(frozen=True)
class History:
    """The history at the end: `(role or "tool", text)` of its items, or a callable for the text."""

    items: tuple[tuple[str, Any], ...]

    def check(self, outcome: Outcome) -> str | None:
        found = [(item["role"], item["text"]) for item in outcome.history]
        same = len(found) == len(self.items) and all(
            role == got_role and matches(text, got)
            for (role, text), (got_role, got) in zip(self.items, found, strict=True)
        )
        return None if same else f"the history is {found}"


@dataclass(frozen=True)
class Handshake:
    """A handshake had this in its headers (lower case), and not these, and this in its path."""

    headers: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    path: str = ""
    count: int | None = None

    def check(self, outcome: Outcome) -> str | None:
        if self.count is not None and len(outcome.headers) != self.count:
            return f"there were {len(outcome.headers)} handshakes, wanted {self.count}"
        if not outcome.headers:
            return "there was no handshake"
        headers = {key.lower(): value for key, value in outcome.headers[-1].items()}
        for key, value in self.headers.items():
            if headers.get(key) != value:
                return f"header {key} is {headers.get(key)!r}, wanted {value!r}"
        present = [key for key in self.without if key in headers]
        if present:
            return f"there is a header {present}"
        return None if self.path in outcome.paths[-1] else f"the path is {outcome.paths[-1]}"


@dataclass(frozen=True)
class Fails:
    """Entering the session, or the talk, ends with an error whose text matches."""

    text: str = ""

    def check(self, outcome: Outcome) -> str | None:
        if outcome.failure is None:
            return "it did not fail"
        return None if self.text in outcome.failure else f"it failed otherwise: {outcome.failure}"


Expectation: TypeAlias = Sent | Saw | SentInOrder | SawInOrder | Plays | History | Handshake | Fails


@dataclass(frozen=True)
class Case:
    """One conversation.

    `script` is played by the server (several for several connections); `talk` is done by the program meanwhile.
    """

    name: str
    script: Sequence[Any] = ()
    talk: Sequence[Action] = ()
    expect: Sequence[Expectation] = ()
    more_scripts: Sequence[Sequence[Any]] = ()
    agent: Callable[[Any], Any] | None = None
    """Makes the starting agent, given the layer's names."""
    settings: Json = field(default_factory=dict)
    """`initial_model_settings`."""
    run_config: Json | Callable[[Any], Json] = field(default_factory=dict)
    model_config: Json | Callable[[], Json] = field(default_factory=dict)
    tracker: bool = False
    """A playback tracker is given, fed by `Played`."""
    point: int | None = None
    """Which of the twelve points of the session layer's contract it shows."""
    ours_only: bool = False
    """It uses a call that only our layer has."""
    to_the_end: bool = True
    """The session is read up to the marker behind the script; otherwise until it ends."""


def verdict(case: Case, outcome: Outcome) -> list[str]:
    """What is wrong with that outcome; nothing when all is as expected."""
    wrong = [reason for expectation in case.expect if (reason := expectation.check(outcome)) is not None]
    if outcome.failure is not None and not any(isinstance(e, Fails) for e in case.expect):
        wrong.insert(0, outcome.failure)
    return wrong
