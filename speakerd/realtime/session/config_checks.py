"""Checks of the settings that a program gives: each value is of the kind that its key asks for.

Which of the known words a text has to be is left to the server: it may know more of them than this client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from speakerd.realtime.agents import (
    GUARDRAIL,
    HANDOFF,
    SETTINGS_TOOL,
    check_names,
)
from speakerd.realtime.field_checks import (
    CALLABLE,
    COUNT,
    FLAG,
    LIST,
    MAPPING,
    NUMBER,
    TEXT,
    Kind,
    check,
    check_each,
    check_fields,
    either,
    optional,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT_OR_DICT: Final = either(TEXT, MAPPING)
_SETTINGS: Final[Mapping[str, Kind]] = {
    "model_name": optional(TEXT),
    "instructions": optional(TEXT),
    "prompt": optional(MAPPING),
    "output_modalities": optional(LIST),
    "modalities": optional(LIST),
    "audio": optional(MAPPING),
    "max_output_tokens": optional(either(COUNT, TEXT)),
    "tool_choice": optional(_TEXT_OR_DICT),
    "tracing": optional(_TEXT_OR_DICT),
    "truncation": optional(_TEXT_OR_DICT),
    "reasoning": optional(MAPPING),
    "parallel_tool_calls": optional(FLAG),
    "include": optional(LIST),
    "voice": optional(_TEXT_OR_DICT),
    "speed": optional(NUMBER),
    "input_audio_transcription": optional(MAPPING),
    "input_audio_noise_reduction": optional(MAPPING),
    "turn_detection": optional(MAPPING),
}
_AUDIO_SIDES: Final[Mapping[str, Mapping[str, Kind]]] = {
    "input": {
        "noise_reduction": optional(MAPPING),
        "transcription": optional(MAPPING),
        "turn_detection": optional(MAPPING),
    },
    "output": {"voice": optional(_TEXT_OR_DICT), "speed": optional(NUMBER)},
}
_RUN: Final[Mapping[str, Kind]] = {
    "model_settings": MAPPING,
    "guardrails_settings": MAPPING,
    "tool_execution": MAPPING,
    "tool_error_formatter": optional(CALLABLE),
    "async_tool_calls": FLAG,
    "tracing_disabled": FLAG,
    "raw_events": FLAG,
    "max_history_items": COUNT,
    "max_queued_events": COUNT,
}
_MODEL: Final[Mapping[str, Kind]] = {
    "api_key": optional(either(TEXT, CALLABLE)),
    "url": optional(TEXT),
    "headers": optional(MAPPING),
    "initial_model_settings": MAPPING,
    "call_id": optional(TEXT),
    "raw_server_events": FLAG,
    "conversation": CALLABLE,
}


def check_settings(owner: str, settings: Any) -> None:
    """Compare the settings of a model session with what may be there.

    Raises:
        UserError: a value does not fit its key.
    """
    check(owner, "it", settings, MAPPING)
    check_fields(owner, settings, _SETTINGS)
    for side, kinds in _AUDIO_SIDES.items():
        given = (settings.get("audio") or {}).get(side)
        check(owner, f"audio.{side}", given, optional(MAPPING))
        check_fields(f"{owner}, audio.{side}", given or {}, kinds)
    tools, handoffs = settings.get("tools") or (), settings.get("handoffs") or ()
    check_each(owner, "tools", tools, SETTINGS_TOOL)
    check_each(owner, "handoffs", handoffs, HANDOFF)
    check_names(owner, tools, handoffs)


def check_run_config(config: Any) -> None:
    """Compare the settings of a run with what may be there.

    Raises:
        UserError: a value does not fit its key.
    """
    owner = "The run's config"
    check(owner, "it", config, MAPPING)
    check_fields(owner, config, _RUN)
    check_each(owner, "output_guardrails", config.get("output_guardrails", ()), GUARDRAIL)
    check_fields(
        f"{owner}, guardrails_settings",
        config.get("guardrails_settings", {}),
        {"debounce_text_length": COUNT},
    )
    check_fields(
        f"{owner}, tool_execution",
        config.get("tool_execution", {}),
        {
            "max_concurrency": COUNT,
            "max_threads": COUNT,
            "max_rounds": COUNT,
            "max_turn_seconds": NUMBER,
            "max_turn_tokens": COUNT,
        },
    )
    hooks = Kind(
        "an instance of RealtimeRunHooks",
        lambda value: not isinstance(value, type) and hasattr(value, "on_agent_start"),
    )
    check_fields(owner, config, {"hooks": optional(hooks)})
    check_settings(f"{owner}, model_settings", config.get("model_settings", {}))


def check_model_config(config: Any) -> None:
    """Compare how a model is to be reached with what may be there.

    Raises:
        UserError: a value does not fit its key.
    """
    owner = "The model_config"
    check(owner, "it", config, MAPPING)
    check_fields(owner, config, _MODEL)
    tracker = Kind(
        "a RealtimePlaybackTracker",
        lambda value: all(hasattr(value, name) for name in ("on_play_ms", "played_ms", "set_audio_format")),
    )
    check_fields(owner, config, {"playback_tracker": optional(tracker)})
    check_settings(f"{owner}, initial_model_settings", config.get("initial_model_settings", {}))
