"""The settings of a session: read in either notation, sent in the wire's, and only where they changed.

Settings are kept as a flat table of wire paths (`audio.input.turn_detection`, `instructions` …). Each path is a
unit: it is sent whole or not at all. What is *wanted* outlives a connection; what is *in force* was sent on this
connection. An update is the difference of the two, without what the server would refuse at the moment:

- the voice is locked once the session has produced audio;
- tracing cannot change once it is on;
- the speed changes between turns only (it is sent after the turn).

The older flat names are aliases of paths. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from speakerd.realtime.errors import UserError
from speakerd.realtime.model import FORMATS

Path: TypeAlias = tuple[str, ...]

VOICE: Final[Path] = ("audio", "output", "voice")
SPEED: Final[Path] = ("audio", "output", "speed")
INPUT_FORMAT: Final[Path] = ("audio", "input", "format")
OUTPUT_FORMAT: Final[Path] = ("audio", "output", "format")
TURN_DETECTION: Final[Path] = ("audio", "input", "turn_detection")
TRACING: Final[Path] = ("tracing",)
TOOLS: Final[Path] = ("tools",)
MODALITIES: Final[Path] = ("output_modalities",)
MODEL: Final[Path] = ("model",)

ALIASES: Final[Mapping[str, Path]] = {
    "model_name": MODEL,
    "voice": VOICE,
    "speed": SPEED,
    "input_audio_format": INPUT_FORMAT,
    "output_audio_format": OUTPUT_FORMAT,
    "input_audio_transcription": ("audio", "input", "transcription"),
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
    audio = settings.get("audio") or {}
    for side in ("input", "output"):
        for key, value in (audio.get(side) or {}).items():
            table["audio", side, key] = value
    return {path: _wire_value(path, value) for path, value in table.items()}


def to_session(table: Mapping[Path, Any]) -> dict[str, Any]:
    """Return the `session` object of a `session.update` with these settings."""
    session: dict[str, Any] = {"type": "realtime"}
    for path, value in table.items():
        at = session
        for key in path[:-1]:
            at = at.setdefault(key, {})
        at[path[-1]] = value
    return session


def wire_tools(entries: Sequence[Any]) -> list[Any]:
    """Return tools and handoffs in the wire's form: mappings unchanged, others by their `to_dict()`."""
    return [dict(entry) if isinstance(entry, Mapping) else entry.to_dict() for entry in entries]


class SessionSettings:
    """The settings that are wanted and those that are in force on the connection."""

    def __init__(self, *, send_model: bool = False) -> None:
        self._send_model = send_model
        self._wanted: dict[Path, Any] = {}
        self._in_force: dict[Path, Any] = {}
        self._tools: list[Any] | None = None
        self._handoffs: list[Any] | None = None

    def get(self, path: Path, default: Any = None) -> Any:
        """Return the wanted value at that path."""
        return self._wanted.get(path, default)

    def want(self, settings: Mapping[str, Any]) -> None:
        """Merge settings into the wanted ones. `update()` returns what is new."""
        self._wanted.update(to_paths(settings))
        if settings.get("tools") is not None:
            self._tools = wire_tools(settings["tools"])
        if settings.get("handoffs") is not None:
            self._handoffs = wire_tools(settings["handoffs"])
        if self._tools is not None or self._handoffs is not None:
            self._wanted[TOOLS] = [*(self._tools or ()), *(self._handoffs or ())]

    def want_session(self, session: Mapping[str, Any]) -> None:
        """Merge a `session` object that the program sent as a raw message; it counts as sent."""
        table: dict[Path, Any] = {}
        for name, value in session.items():
            if name in PLAIN or name == "tools":
                table[name,] = value
        table.update(to_paths({"audio": session.get("audio") or {}}))
        self._wanted.update(table)
        self._in_force.update(table)
        if TOOLS in table:
            self._tools, self._handoffs = list(table[TOOLS] or ()), None

    def connection_lost(self) -> None:
        """The next session begins with nothing in force."""
        self._in_force.clear()

    @property
    def server_detects_turns(self) -> bool:
        """Whether the server detects turns; where the settings say nothing, its default is that it does."""
        return self.get(TURN_DETECTION, {}) is not None

    @property
    def server_answers(self) -> bool:
        """Whether the server begins a response by itself when a turn ends."""
        detection = self.get(TURN_DETECTION, {})
        return detection is not None and bool(detection.get("create_response", True))

    @property
    def server_interrupts(self) -> bool:
        """Whether the server cancels its response by itself when the user begins to speak."""
        detection = self.get(TURN_DETECTION, {})
        return detection is not None and bool(detection.get("interrupt_response", True))

    def update(self, *, has_audio: bool, in_turn: bool) -> dict[str, Any] | None:
        """Return the `session` object to be sent now, and count it as in force; `None` if there is nothing new.

        `has_audio`: this session has produced audio. `in_turn`: a response runs.
        """
        news: dict[Path, Any] = {}
        for path, value in self._wanted.items():
            if path in self._in_force and self._in_force[path] == value:
                continue
            if path == MODEL and not self._send_model:
                continue
            if (path == VOICE and has_audio) or (path == SPEED and in_turn):
                continue
            if path == TRACING and (self._in_force.get(TRACING) is not None):
                continue
            news[path] = value
        self._in_force.update(news)
        return to_session(news) if news else None


def _wire_value(path: Path, value: Any) -> Any:
    if path in (INPUT_FORMAT, OUTPUT_FORMAT) and isinstance(value, str):
        if value not in FORMATS:
            raise UserError(f"there is no audio format {value!r}: it is one of pcm16, g711_ulaw, g711_alaw")
        return dict(FORMATS[value])
    if path == MODALITIES and value is not None:
        # Audio comes with its transcript; the server refuses both by name.
        return ["audio"] if "audio" in value else list(value)
    if path == ("tool_choice",) and isinstance(value, str) and value not in _TOOL_MODES:
        return {"type": "function", "name": value}
    return dict(value) if isinstance(value, Mapping) else value
