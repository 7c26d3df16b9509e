"""The settings of a session: read in either notation, sent in the wire's, and only where they changed.

Settings are kept as a flat table of wire paths (`audio.input.turn_detection`, `instructions` …). Each path is a
unit: it is sent whole or not at all. What is *wanted* outlives a connection; what is *in force* was confirmed by
the server on this connection. An update is what is wanted and neither in force nor on its way, without what the
server would refuse at the moment:

- the voice is locked once the session has produced audio;
- tracing cannot change once it is on;
- the speed changes between turns only (it is sent after the turn).

What the server confirms and has otherwise than it was sent is reported, as far as its account can be compared.

What the server *refused* is not sent again until somebody asks for it again; the rest of that update is. Where a
refusal names no parameter, each setting of the update is sent by itself, so that the refused one is found.

The older flat names are aliases of paths. How a setting is written, and whether, says the `Dialect`. Pure: times
are arguments, in seconds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from speakerd.realtime.bounded import BoundedDict, BoundedSet
from speakerd.realtime.dialects import EXTRA, OPENAI, Dialect, Path
from speakerd.realtime.model import to_realtime_audio_format

VOICE: Final[Path] = ("audio", "output", "voice")
SPEED: Final[Path] = ("audio", "output", "speed")
INPUT_FORMAT: Final[Path] = ("audio", "input", "format")
OUTPUT_FORMAT: Final[Path] = ("audio", "output", "format")
TURN_DETECTION: Final[Path] = ("audio", "input", "turn_detection")
TRANSCRIPTION: Final[Path] = ("audio", "input", "transcription")
TRACING: Final[Path] = ("tracing",)
TOOLS: Final[Path] = ("tools",)
MODALITIES: Final[Path] = ("output_modalities",)
MODEL: Final[Path] = ("model",)
INSTRUCTIONS: Final[Path] = ("instructions",)
REASONING: Final[Path] = ("reasoning",)

ALIASES: Final[Mapping[str, Path]] = {
    "model_name": MODEL,
    "voice": VOICE,
    "speed": SPEED,
    "input_audio_format": INPUT_FORMAT,
    "output_audio_format": OUTPUT_FORMAT,
    "input_audio_transcription": TRANSCRIPTION,
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": TURN_DETECTION,
    "modalities": MODALITIES,
}
"""The older flat names, and the wire path of each."""

PLAIN: Final = (
    "instructions",
    "prompt",
    "output_modalities",
    "max_output_tokens",
    "tool_choice",
    "tracing",
    "truncation",
    "reasoning",
    "parallel_tool_calls",
    "include",
)
"""Settings with the same name and value on the wire."""

ESSENTIAL: Final[Sequence[Path]] = (("instructions",), ("prompt",))
"""What the assistant is made of: without them another one would speak."""

_MAX_PENDING = 32
"""Updates that are remembered until they are confirmed or refused."""

_ABSENT: Final = object()

_TOOL_MODES: Final = ("auto", "none", "required")


def to_paths(settings: Mapping[str, Any]) -> dict[Path, Any]:
    """Return the given settings by wire path, without tools and handoffs. Nested ones override flat ones.

    Raises:
        UserError: an audio format that does not exist.
    """
    table: dict[Path, Any] = {}
    for name, path in ALIASES.items():
        if name in settings:
            table[path] = settings[name]
    for name in PLAIN:
        if name in settings:
            table[name,] = settings[name]
    table.update(_leaves(settings.get("extra") or {}, (EXTRA,)))
    audio = settings.get("audio") or {}
    for side in ("input", "output"):
        for key, value in (audio.get(side) or {}).items():
            table["audio", side, key] = value
    return {path: _wire_value(path, value) for path, value in table.items()}


def _leaves(table: Mapping[str, Any], above: Path) -> dict[Path, Any]:
    """Return the values of nested tables by path; an empty table is a value."""
    leaves: dict[Path, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping) and value:
            leaves.update(_leaves(value, (*above, name)))
        else:
            leaves[*above, name] = value
    return leaves


def to_session(table: Mapping[Path, Any], dialect: Dialect = OPENAI) -> dict[str, Any]:
    """Return the `session` object of a `session.update` with these settings, as that server wants it."""
    session: dict[str, Any] = {"type": "realtime"} if dialect.typed_session else {}
    # What the program gives for the server as it is comes last: it holds.
    for path, value in sorted(table.items(), key=lambda entry: entry[0][0] == EXTRA):
        if not is_said(path, value, dialect):
            continue
        if path not in dialect.lacks_settings:
            _put(session, dialect.place(path), _written(path, value, dialect))
        if path == INPUT_FORMAT and dialect.rate_place is not None and isinstance(value, Mapping):
            _put(session, dialect.rate_place, value.get("rate", 8000))
        if path == REASONING and dialect.reasoning_word is not None:
            _put(session, dialect.reasoning_word, value.get("effort") if isinstance(value, Mapping) else None)
    return session


def is_said(path: Path, value: Any, dialect: Dialect) -> bool:
    """Return whether a server is told of that setting at all."""
    if path == REASONING and dialect.reasoning_word is not None:
        return True
    if path in dialect.lacks_settings:
        return False
    return not (path == TURN_DETECTION and value is None and dialect.no_detection == "never")


def _put(session: dict[str, Any], place: Path, value: Any) -> None:
    at = session
    for key in place[:-1]:
        at = at.setdefault(key, {})
    at[place[-1]] = value


def _written(path: Path, value: Any, dialect: Dialect) -> Any:
    """Return a value of the current protocol as that server wants it."""
    if path in (INPUT_FORMAT, OUTPUT_FORMAT) and isinstance(value, Mapping):
        kind = str(value.get("type"))
        if dialect.formats:
            return dialect.formats.get(kind, kind)
        return value if dialect.names_input_rate or path == OUTPUT_FORMAT else {"type": kind}
    if path == MODALITIES and value == ["audio"]:
        return list(dialect.with_audio)
    if path == TOOLS and dialect.nested_tools:
        return [_nested(tool) for tool in value or ()]
    if path == TURN_DETECTION:
        return _detection(value, dialect)
    if path == TRANSCRIPTION and isinstance(value, Mapping) and "language" in value:
        return {dialect.language_field if name == "language" else name: part for name, part in value.items()}
    return value


def _detection(value: Any, dialect: Dialect) -> Any:
    if value is None:
        return {"type": None} if dialect.no_detection == "null_type" else None
    if not isinstance(value, Mapping):
        return value
    kind = str(value.get("type"))
    detection = {**value, "type": dialect.detections.get(kind, kind)}
    if detection["type"] != kind:
        detection.pop("eagerness", None)  # It belongs to the kind of the current protocol.
    if dialect.bare_detection:
        for name in ("create_response", "interrupt_response"):
            if detection.get(name) is True:
                del detection[name]
    return detection


def _nested(tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function" or "function" in tool:
        return dict(tool)
    return {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}


def wire_tools(entries: Sequence[Any]) -> list[Any]:
    """Return tools and handoffs in the wire's form: mappings unchanged, others by their `to_dict()`."""
    return [dict(entry) if isinstance(entry, Mapping) else entry.to_dict() for entry in entries]


@dataclass(frozen=True, slots=True)
class SentUpdate:
    """A `session.update` that was sent and neither confirmed nor refused yet."""

    table: Mapping[Path, Any]
    sent_at: float


def wire_tool_choice(choice: Any) -> Any:
    """Return a choice of tools in the wire's form; another text than the known ones is the name of a tool."""
    if isinstance(choice, str):
        return choice if choice in _TOOL_MODES else {"type": "function", "name": choice}
    return dict(choice) if isinstance(choice, Mapping) else choice


class SessionSettings:
    """The settings that are wanted, those on their way, those in force on the connection, and those refused."""

    def __init__(self, *, send_model: bool = False, dialect: Dialect = OPENAI) -> None:
        self._send_model = send_model
        self._dialect = dialect
        self.recalled: list[str] = []
        """Lines that stand below the instructions: what the server cannot be told otherwise."""
        self._wanted: dict[Path, Any] = {}
        self._in_force: dict[Path, Any] = {}
        self._sent: BoundedDict[str, SentUpdate] = BoundedDict(_MAX_PENDING)
        """By the id of the client event, in order."""
        self._taken: BoundedDict[str, Mapping[Path, Any]] = BoundedDict(_MAX_PENDING)
        """The updates that count as confirmed, by the same ids: a server may refuse one for all that."""
        self._told = BoundedSet[tuple[str, str]]()
        """What was reported as taken otherwise than it was sent."""
        self._refused: dict[Path, Any] = {}
        self._refused_tools: list[Any] = []
        self._apart: set[Path] = set()
        """One of these was refused, and it is not known which: each is sent in an update of its own."""
        self._tools: list[Any] | None = None
        self._handoffs: list[Any] | None = None
        self.confirms: bool | None = None
        """Whether this server confirms updates; `None` until it is known."""

    def get(self, path: Path, default: Any = None) -> Any:
        """Return the wanted value at that path."""
        return self._wanted.get(path, default)

    def want(self, settings: Mapping[str, Any]) -> None:
        """Merge settings into the wanted ones. `updates()` returns what is new.

        Raises:
            UserError: an audio format that does not exist.
        """
        table = to_paths(settings)
        if settings.get("tools") is not None:
            self._tools = wire_tools(settings["tools"])
        if settings.get("handoffs") is not None:
            self._handoffs = wire_tools(settings["handoffs"])
        if settings.get("tools") is not None or settings.get("handoffs") is not None:
            table[TOOLS] = [*(self._tools or ()), *(self._handoffs or ())]
        self._want(table)

    def want_session(self, session: Mapping[str, Any], event_id: str, now: float) -> None:
        """Merge a `session` object that the program sent as a raw message, under that id."""
        table: dict[Path, Any] = {}
        for name, value in session.items():
            if name in PLAIN or name == "tools":
                table[name,] = value
        table.update(to_paths({"audio": session.get("audio") or {}}))
        self._want(table)
        self.sent(event_id, table, now)
        if TOOLS in table:
            self._tools, self._handoffs = list(table[TOOLS] or ()), None

    def _want(self, table: Mapping[Path, Any]) -> None:
        self._wanted.update(table)
        for path in table:
            self._refused.pop(path, None)
        if TOOLS in table:
            self._refused_tools.clear()

    def connection_lost(self) -> None:
        """The next session begins with nothing in force."""
        self._in_force.clear()
        self._sent.clear()
        self._taken.clear()

    @property
    def server_detects_turns(self) -> bool:
        """Whether the server detects turns; where the settings say nothing, its default is that it does."""
        return self._detection is not None

    @property
    def _detection(self) -> Mapping[str, Any] | None:
        detection: Mapping[str, Any] | None = self.get(TURN_DETECTION, {})
        return {} if detection is None and self._dialect.no_detection == "never" else detection

    @property
    def silence_ms(self) -> int:
        """Milliseconds of silence after which a server that detects turns has certainly found the end of one."""
        return int((self._detection or {}).get("silence_duration_ms") or 700) + 300

    @property
    def instructions(self) -> str:
        """The instructions, with what stands below them."""
        return "\n".join([str(self.get(INSTRUCTIONS) or ""), *self.recalled]).strip()

    def recall(self, lines: Sequence[str], limit: int) -> None:
        """Write lines below the instructions; the oldest are dropped where all together have more characters."""
        self._wanted.setdefault(INSTRUCTIONS, "")
        self.recalled = [*self.recalled, *lines]
        while self.recalled and sum(map(len, self.recalled)) > limit:
            del self.recalled[0]

    @property
    def server_answers(self) -> bool:
        """Whether the server begins a response by itself when a turn ends."""
        detection = self._detection
        return detection is not None and bool(detection.get("create_response", True))

    @property
    def server_interrupts(self) -> bool:
        """Whether the server cancels its response by itself when the user begins to speak."""
        detection = self._detection
        return detection is not None and bool(detection.get("interrupt_response", True))

    def updates(self, *, has_audio: bool, in_turn: bool) -> list[dict[Path, Any]]:
        """Return the settings to be sent now, one table for each update; none if there is nothing new.

        `has_audio`: this session has produced audio. `in_turn`: a response runs.
        """
        known = dict(self._in_force)
        for update in self._sent.values():
            known.update(update.table)
        news: dict[Path, Any] = {}
        for path, wanted in self._wanted.items():
            value = self._without_refused(wanted) if path == TOOLS else wanted
            if not is_said(path, value, self._dialect):
                continue
            if path == INSTRUCTIONS and self.recalled:
                value = self.instructions
            if path in known and known[path] == value:
                continue
            if path in self._refused and self._refused[path] == value:
                continue
            if path == MODEL and not self._send_model:
                continue
            if (path == VOICE and has_audio) or (path == SPEED and in_turn):
                continue
            if path == TRACING and known.get(TRACING) is not None:
                continue
            news[path] = value
        together = {path: value for path, value in news.items() if path not in self._apart}
        apart = [{path: value} for path, value in news.items() if path in self._apart]
        return [together, *apart] if together else apart

    def sent(self, event_id: str, table: Mapping[Path, Any], now: float) -> None:
        """An update with these settings was sent."""
        self._sent[event_id] = SentUpdate(table, now)
        if self.confirms is False:
            self._in_force.update(table)

    @property
    def unconfirmed_since(self) -> float | None:
        """When the oldest update was sent that was neither confirmed nor refused; `None` if there is none."""
        if self.confirms is False or not self._sent:
            return None
        return next(iter(self._sent.values())).sent_at

    def confirmed(self, session: Mapping[str, Any] | None = None) -> list[tuple[str, str]]:
        """The server confirmed an update: the oldest one, since it answers in order.

        `session` is its account of the session. Return what it has otherwise than it was sent, as the names of
        settings and the differences in words, each once; all the same it counts as in force, since sending it
        again would not help.
        """
        if not self._sent:
            # It confirms nothing that was sent, but perhaps what was taken to be confirmed before.
            self.confirms = True if self._taken else self.confirms
            return []
        self.confirms = True
        event_id = next(iter(self._sent))
        table = self._sent.pop(event_id).table
        self._take(event_id, table)
        return [each for each in differences(table, session or {}, self._dialect) if self._told.add(each)]

    def _take(self, event_id: str, table: Mapping[Path, Any]) -> None:
        self._in_force.update(table)
        self._taken[event_id] = table

    def assume_confirmed(self) -> None:
        """The server did not answer in time: what was sent is taken to be in force, from now on at once."""
        for event_id, update in self._sent.items():
            self._take(event_id, update.table)
        self._sent.clear()
        self.confirms = False

    def refused(
        self, event_id: str | None, parameter: str | None, *, oldest: bool = False
    ) -> list[str] | None:
        """An error was received, about that client event or that parameter; `oldest`: or about the oldest update.

        Return the names of the settings that it refuses, which are not sent again; an empty list if it is not known
        which of several it is; `None` if the error is not about an update.
        """
        names_a_setting = parameter is not None and re.match(r"session\b", parameter) is not None
        if event_id is not None and event_id in self._taken:
            table = self._taken.pop(event_id)
            self._revoke(table)
        else:
            if event_id is None or event_id not in self._sent:
                if not ((names_a_setting or oldest) and self._sent):
                    return None
                event_id = next(iter(self._sent))
            table = self._sent.pop(event_id).table
            if self.confirms is False:
                self._revoke(table)
        if (tool := _tool_named(parameter, table)) is not None:
            self._refused_tools.append(tool)
            return [str(parameter)]
        refused = list(table) if len(table) == 1 else _paths_named(parameter, table, self._dialect)
        if not refused:
            self._apart.update(table)
            return []
        self._refused.update({path: table[path] for path in refused})
        if names_a_setting and all(path[0] != EXTRA for path in refused):
            return [str(parameter)]
        return [name_of(path) for path in refused]

    def _revoke(self, table: Mapping[Path, Any]) -> None:
        for path, value in table.items():
            if path in self._in_force and self._in_force[path] == value:
                del self._in_force[path]

    @property
    def essential_refused(self) -> str | None:
        """The name of a refused setting without which no reply may be asked for; `None` if there is none."""
        return next((name_of(path) for path in ESSENTIAL if self._refused.get(path)), None)

    def _without_refused(self, tools: Any) -> Any:
        if not self._refused_tools or not isinstance(tools, list):
            return tools
        return [tool for tool in tools if tool not in self._refused_tools]


def differences(
    table: Mapping[Path, Any], session: Mapping[str, Any], dialect: Dialect
) -> Iterator[tuple[str, str]]:
    """Yield what a server's account of its session has otherwise than it was sent: names, and what it has.

    Only what no server writes in a way of its own is compared, as far as the account has it: the voice, the speed,
    how turns are detected, and whether the tools are there.
    """
    for path in (VOICE, SPEED, TURN_DETECTION):
        if path in table and is_said(path, table[path], dialect):
            sent = _plain(path, _written(path, table[path], dialect))
            got = _plain(path, _at(session, dialect.place(path)))
            if _ABSENT not in (sent, got) and _key(sent) != _key(got):
                yield name_of(path), f"{json.dumps(got)} in the place of {json.dumps(sent)}"
    there = _at(session, dialect.place(TOOLS))
    if isinstance(there, list):
        known = {_tool_name(tool) for tool in there}
        missing = [name for tool in table.get(TOOLS) or () if (name := _tool_name(tool)) not in known]
        if missing:
            yield name_of(TOOLS), f"without {', '.join(missing)}"


def _at(session: Any, place: Path) -> Any:
    for key in place:
        if not isinstance(session, Mapping) or key not in session:
            return _ABSENT
        session = session[key]
    return session


def _plain(path: Path, value: Any) -> Any:
    """Return what is compared of a value: a text, a number, or `None` where turns are not detected."""
    if path == TURN_DETECTION:
        return value if value is None else _at(value, ("type",))
    if path == SPEED:
        return round(float(value), 2) if isinstance(value, int | float) else _ABSENT
    return value if isinstance(value, str) else _ABSENT


def _key(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _tool_name(tool: Any) -> str:
    for place in (("name",), ("function", "name"), ("server_label",)):
        if isinstance(name := _at(tool, place), str):
            return name
    return ""


def name_of(path: Path) -> str:
    """Return a setting's name as the server writes it."""
    return ".".join(("session", *path))


def _tool_named(parameter: str | None, table: Mapping[Path, Any]) -> Any:
    found = re.match(r"session\.tools\[(\d+)\]", parameter or "")
    tools = table.get(TOOLS)
    if found is None or not isinstance(tools, list) or int(found[1]) >= len(tools):
        return None
    return tools[int(found[1])]


def _paths_named(parameter: str | None, table: Mapping[Path, Any], dialect: Dialect) -> list[Path]:
    """Return the paths of the table that the parameter names, is part of, or contains."""
    words = tuple(re.findall(r"[^.\[\]]+", parameter or ""))
    if words[:1] == ("session",):
        words = words[1:]
    if not words:
        return []
    if named := [path for path in table if _agree(dialect.place(path), words)]:
        return named
    if words[0] in ALIASES:
        words = (*ALIASES[words[0]], *words[1:])
    return [path for path in table if _agree(path, words)]


def _agree(path: Path, words: Path) -> bool:
    return all(a == b for a, b in zip(path, words, strict=False))


def _wire_value(path: Path, value: Any) -> Any:
    if path in (INPUT_FORMAT, OUTPUT_FORMAT):
        return to_realtime_audio_format(value)
    if path == MODALITIES and value is not None:
        # Audio comes with its transcript; the server refuses both by name.
        return ["audio"] if "audio" in value else list(value)
    if path == ("tool_choice",):
        return wire_tool_choice(value)
    return dict(value) if isinstance(value, Mapping) else value
