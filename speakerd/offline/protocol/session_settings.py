"""The session object: its defaults, and what `session.update` may change.

`_FIELDS` lists every setting with the function that checks it. A change is checked completely before any of it is
applied, so that a refused update changes nothing.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from speakerd.offline.request_errors import (
    RequestError,
    as_boolean,
    as_choice,
    as_integer,
    as_list,
    as_number,
    as_object,
    as_text,
    only_keys,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL: Final = "speakerd-offline"
PCM_FORMAT: Final = {"type": "audio/pcm", "rate": 24000}
SERVER_VAD: Final = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "create_response": True,
    "interrupt_response": True,
}
SEMANTIC_VAD: Final = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
MAX_TOOLS: Final = 128


class SessionConfig:
    """The settings of one session. `data` is the object in `session.created` and `session.updated`."""

    def __init__(self, voice: str) -> None:
        self.data: dict[str, Any] = {
            "type": "realtime",
            "model": MODEL,
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "truncation": "auto",
            "audio": {
                "input": {
                    "format": dict(PCM_FORMAT),
                    "transcription": None,
                    "noise_reduction": None,
                    "turn_detection": dict(SERVER_VAD),
                },
                "output": {"format": dict(PCM_FORMAT), "voice": voice, "speed": 1.0},
            },
        }

    def update(self, patch: Any, *, voice_locked: bool, speaking: bool) -> None:
        """Apply a client's change, or raise RequestError and change nothing."""
        given = as_object(patch, "session")
        kind = required(given, "type", "session")
        if kind != "realtime":
            raise RequestError("invalid_value", "'session.type' must be 'realtime'.", "session.type")
        checked = _read(given, "session", _FIELDS)
        self._check_locks(checked, voice_locked=voice_locked, speaking=speaking)
        self.data = _merged(self.data, checked)

    def _check_locks(self, checked: dict[str, Any], *, voice_locked: bool, speaking: bool) -> None:
        output = checked.get("audio", {}).get("output", {})
        if voice_locked and output.get("voice", self.voice) != self.voice:
            message = "Cannot update a conversation's voice if assistant audio is present."
            raise RequestError("cannot_update_voice", message, "session.audio.output.voice")
        if speaking and output.get("speed", self.speed) != self.speed:
            message = "The speed can be changed between turns only, not while a response is in progress."
            raise RequestError("cannot_update_speed", message, "session.audio.output.speed")
        tracing = self.data.get("tracing")
        if tracing is not None and checked.get("tracing", tracing) != tracing:
            message = "Tracing cannot be changed once it is enabled."
            raise RequestError("cannot_update_tracing", message, "session.tracing")

    @property
    def voice(self) -> Any:
        """The name of the voice, or an object with its id."""
        return self.data["audio"]["output"]["voice"]

    @property
    def speed(self) -> float:
        """Factor on the usual speed of speech."""
        return float(self.data["audio"]["output"]["speed"])

    @property
    def turn_detection(self) -> dict[str, Any] | None:
        """Settings of the turn detection; None if the client ends the turns."""
        found: dict[str, Any] | None = self.data["audio"]["input"]["turn_detection"]
        return found

    @property
    def transcribes(self) -> bool:
        """Whether the client wants transcripts of its audio."""
        return self.data["audio"]["input"]["transcription"] is not None


def read_modalities(value: Any, param: str) -> list[str]:
    """Check modalities: `["audio"]` or `["text"]`, never both."""
    found = [as_choice(entry, param, ("audio", "text")) for entry in as_list(value, param, 2)]
    if len(found) != 1:
        message = f"Invalid modalities: {found}. Supported combinations are: ['text'] and ['audio']."
        raise RequestError("invalid_value", message, param)
    return found


def read_voice(value: Any, param: str) -> Any:
    """Check a voice: a name, or an object with an id."""
    if isinstance(value, dict):
        only_keys(value, param, frozenset({"id"}))
        return {"id": as_text(required(value, "id", param), f"{param}.id", 100)}
    return as_text(value, param, 100)


def read_format(value: Any, param: str) -> dict[str, Any]:
    """Check an audio format: PCM at 24 kHz only, not the two telephone formats of the protocol."""
    data = as_object(value, param)
    if required(data, "type", param) != "audio/pcm":
        message = f"This server speaks 'audio/pcm' at 24000 Hz only, not {str(data['type'])[:40]!r}."
        raise RequestError("unsupported_format", message, f"{param}.type")
    if data.get("rate", 24000) != 24000:
        raise RequestError("invalid_value", "Audio of 'audio/pcm' is 24000 Hz only.", f"{param}.rate")
    only_keys(data, param, frozenset({"type", "rate"}))
    return dict(PCM_FORMAT)


def read_tools(value: Any, param: str) -> list[dict[str, Any]]:
    """Check tools: function tools only, since MCP servers need a network."""
    return [
        _read_tool(tool, f"{param}[{index}]") for index, tool in enumerate(as_list(value, param, MAX_TOOLS))
    ]


def read_tool_choice(value: Any, param: str) -> Any:
    """Check a tool choice: `auto`, `none`, `required`, or one function by name."""
    if isinstance(value, dict):
        only_keys(value, param, frozenset({"type", "name"}))
        as_choice(required(value, "type", param), f"{param}.type", ("function",))
        return {"type": "function", "name": as_text(required(value, "name", param), f"{param}.name", 64)}
    return as_choice(value, param, ("auto", "none", "required"))


def read_max_tokens(value: Any, param: str) -> Any:
    """Check a limit of tokens: 1 to 4096, or `inf`."""
    return "inf" if value == "inf" else as_integer(value, param, 1, 4096)


def _read_tool(value: Any, param: str) -> dict[str, Any]:
    data = as_object(value, param)
    if required(data, "type", param) != "function":
        message = "The offline server has function tools only; MCP servers need a network."
        raise RequestError("unsupported_tool", message, f"{param}.type")
    only_keys(data, param, frozenset({"type", "name", "description", "parameters"}))
    tool: dict[str, Any] = {
        "type": "function",
        "name": as_text(required(data, "name", param), f"{param}.name", 64),
    }
    if data.get("description") is not None:
        tool["description"] = as_text(data["description"], f"{param}.description", 20_000)
    if data.get("parameters") is not None:
        tool["parameters"] = as_object(data["parameters"], f"{param}.parameters")
    return tool


def _read_turn_detection(value: Any, param: str) -> dict[str, Any]:
    data = as_object(value, param)
    kind = as_choice(required(data, "type", param), f"{param}.type", ("server_vad", "semantic_vad"))
    if kind == "server_vad":
        return {**SERVER_VAD, **_read(data, param, _SERVER_VAD_FIELDS)}
    return {**SEMANTIC_VAD, **_read(data, param, _SEMANTIC_VAD_FIELDS)}


def _refuse_idle_timeout(_value: Any, param: str) -> None:
    raise RequestError(
        "unsupported_value", "The offline server does not speak up by itself: leave it null.", param
    )


def _read_truncation(value: Any, param: str) -> Any:
    if isinstance(value, str):
        return as_choice(value, param, ("auto", "disabled"))
    data = as_object(value, param)
    only_keys(data, param, frozenset({"type", "retention_ratio", "token_limits"}))
    as_choice(required(data, "type", param), f"{param}.type", ("retention_ratio",))
    as_number(required(data, "retention_ratio", param), f"{param}.retention_ratio", 0.0, 1.0)
    if "token_limits" in data:
        limits = as_object(data["token_limits"], f"{param}.token_limits")
        only_keys(limits, f"{param}.token_limits", frozenset({"post_instructions"}))
        if limits.get("post_instructions") is not None:
            as_integer(limits["post_instructions"], f"{param}.token_limits.post_instructions")
    return deepcopy(data)


def _read_noise_reduction(value: Any, param: str) -> dict[str, Any]:
    data = as_object(value, param)
    only_keys(data, param, frozenset({"type"}))
    return {"type": as_choice(required(data, "type", param), f"{param}.type", ("near_field", "far_field"))}


def _read_transcription(value: Any, param: str) -> dict[str, Any]:
    data = as_object(value, param)
    only_keys(data, param, frozenset({"model", "language", "prompt", "delay", "keywords", "languages"}))
    for key in ("model", "language", "prompt", "delay"):
        if data.get(key) is not None:
            as_text(data[key], f"{param}.{key}")
    for key in ("keywords", "languages"):
        if data.get(key) is not None:
            for entry in as_list(data[key], f"{param}.{key}"):
                as_text(entry, f"{param}.{key}")
    return deepcopy(data)


def _read_tracing(value: Any, param: str) -> Any:
    if isinstance(value, str):
        return as_choice(value, param, ("auto",))
    data = as_object(value, param)
    only_keys(data, param, frozenset({"group_id", "metadata", "workflow_name"}))
    return deepcopy(data)


def _read_prompt(value: Any, param: str) -> dict[str, Any]:
    data = as_object(value, param)
    only_keys(data, param, frozenset({"id", "version", "variables"}))
    as_text(required(data, "id", param), f"{param}.id", 200)
    return deepcopy(data)


def _read_reasoning(value: Any, param: str) -> dict[str, Any]:
    data = as_object(value, param)
    only_keys(data, param, frozenset({"effort"}))
    if data.get("effort") is not None:
        as_choice(data["effort"], f"{param}.effort", ("minimal", "low", "medium", "high", "xhigh"))
    return deepcopy(data)


def _read_include(value: Any, param: str) -> list[str]:
    logprobs = ("item.input_audio_transcription.logprobs",)
    return [as_choice(entry, param, logprobs) for entry in as_list(value, param, 10)]


def _or_null(reader: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda value, param: None if value is None else reader(value, param)


_SERVER_VAD_FIELDS: Final[dict[str, Any]] = {
    "type": as_text,
    "threshold": lambda value, param: as_number(value, param, 0.0, 1.0),
    "prefix_padding_ms": lambda value, param: as_integer(value, param, 0, 5000),
    "silence_duration_ms": lambda value, param: as_integer(value, param, 0, 10_000),
    "idle_timeout_ms": _or_null(_refuse_idle_timeout),
    "create_response": as_boolean,
    "interrupt_response": as_boolean,
}
_SEMANTIC_VAD_FIELDS: Final[dict[str, Any]] = {
    "type": as_text,
    "eagerness": lambda value, param: as_choice(value, param, ("low", "medium", "high", "auto")),
    "create_response": as_boolean,
    "interrupt_response": as_boolean,
}
_FIELDS: Final[dict[str, Any]] = {
    "type": as_text,
    "model": lambda value, param: as_text(value, param, 200),
    "output_modalities": read_modalities,
    "instructions": as_text,
    "tools": read_tools,
    "tool_choice": read_tool_choice,
    "max_output_tokens": read_max_tokens,
    "parallel_tool_calls": as_boolean,
    "truncation": _read_truncation,
    "tracing": _or_null(_read_tracing),
    "prompt": _or_null(_read_prompt),
    "reasoning": _read_reasoning,
    "include": _or_null(_read_include),
    "audio": {
        "input": {
            "format": read_format,
            "transcription": _or_null(_read_transcription),
            "noise_reduction": _or_null(_read_noise_reduction),
            "turn_detection": _or_null(_read_turn_detection),
        },
        "output": {
            "format": read_format,
            "voice": read_voice,
            "speed": lambda value, param: as_number(value, param, 0.25, 1.5),
        },
    },
}


def _read(data: dict[str, Any], param: str, fields: dict[str, Any]) -> dict[str, Any]:
    only_keys(data, param, frozenset(fields))
    checked: dict[str, Any] = {}
    for key, value in data.items():
        reader, path = fields[key], f"{param}.{key}"
        checked[key] = (
            _read(as_object(value, path), path, reader) if isinstance(reader, dict) else reader(value, path)
        )
    return checked


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Merge `audio`, its `input` and its `output` key by key, and replace everything else as a whole."""
    merged = dict(old)
    for key, value in new.items():
        nested = key in ("audio", "input", "output") and isinstance(old.get(key), dict)
        merged[key] = _merged(old[key], value) if nested else value
    return merged
