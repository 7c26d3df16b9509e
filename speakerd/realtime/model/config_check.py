"""Finds settings that nobody reads: typed dictionaries say nothing about a key that is misspelt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from speakerd.realtime.model.config import (
    RealtimeAudioConfig,
    RealtimeAudioInputConfig,
    RealtimeAudioOutputConfig,
    RealtimeGuardrailsSettings,
    RealtimeModelConfig,
    RealtimeRunConfig,
    RealtimeSessionModelSettings,
    RealtimeToolExecutionConfig,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NESTED: dict[tuple[type, str], type] = {
    (RealtimeRunConfig, "model_settings"): RealtimeSessionModelSettings,
    (RealtimeRunConfig, "guardrails_settings"): RealtimeGuardrailsSettings,
    (RealtimeRunConfig, "tool_execution"): RealtimeToolExecutionConfig,
    (RealtimeModelConfig, "initial_model_settings"): RealtimeSessionModelSettings,
    (RealtimeSessionModelSettings, "audio"): RealtimeAudioConfig,
    (RealtimeAudioConfig, "input"): RealtimeAudioInputConfig,
    (RealtimeAudioConfig, "output"): RealtimeAudioOutputConfig,
}


def unknown_settings(given: Mapping[str, Any], kind: type, path: str = "") -> Iterator[str]:
    """A sentence for each key of `given` that `kind`, a typed dictionary, does not have, at any depth."""
    known = kind.__annotations__
    for key, value in given.items():
        if key not in known:
            import difflib  # noqa: PLC0415  # only mistakes need it

            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
            yield f"the setting {path}{key} is unknown and has no effect: {hint}"
        elif (inner := _NESTED.get((kind, key))) is not None and isinstance(value, dict):
            yield from unknown_settings(value, inner, f"{path}{key}.")
