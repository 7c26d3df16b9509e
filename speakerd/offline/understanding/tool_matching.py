"""Finds the client's tool that carries out an intent, and its arguments.

Tools are recognised by the words of their names (`set_timer`, `startTimer`), since each client has its own names.
`_WANTED` lists for each intent the words that a name must contain, those of which it must contain one, and those
that it must not contain. Arguments are filled by the words of the parameters' names and their types; a tool with a
required parameter that cannot be filled is not called. A tool without parameters can also be called by its name or
description.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from speakerd.offline.grammar import clean
from speakerd.offline.understanding.numbers import duration_words
from speakerd.offline.values import CallTool

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from speakerd.offline.understanding.intents import Intent, IntentKind

ToolObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A tool's name must hold all of `needs`, one of `one_of` (if any are named), none of `never`."""

    needs: frozenset[str]
    one_of: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()


def _wanted(needs: str, one_of: str = "", never: str = "") -> _Wanted:
    return _Wanted(frozenset(needs.split()), frozenset(one_of.split()), frozenset(never.split()))


_WANTED: Final[dict[IntentKind, tuple[_Wanted, ...]]] = {
    "time": (_wanted("time", never="timer timers zone left"), _wanted("clock")),
    "date": (
        _wanted("date", never="update"),
        _wanted("day"),
        _wanted("time", never="timer timers"),
        _wanted("clock"),
    ),
    "timer_set": (_wanted("timer", "set start add create new"), _wanted("timer", never="cancel list stop")),
    "timer_cancel": (_wanted("timer", "cancel stop delete remove clear"),),
    "timer_list": (_wanted("timer", "list get show running remaining"),),
    "volume_set": (_wanted("volume", "set"), _wanted("volume", never="get up down mute")),
    "volume_up": (
        _wanted("volume", "up raise louder increase"),
        _wanted("volume", "change adjust"),
        _wanted("volume", "set"),
    ),
    "volume_down": (
        _wanted("volume", "down lower softer decrease"),
        _wanted("volume", "change adjust"),
        _wanted("volume", "set"),
    ),
    "goodbye": (
        _wanted("conversation", "end stop finish close leave"),
        _wanted("hang up"),
        _wanted("goodbye"),
    ),
    "repeat_last": (_wanted("repeat"),),
    "move": (_wanted("move"), _wanted("drive"), _wanted("go"), _wanted("walk")),
    "turn": (_wanted("turn", never="on off volume"), _wanted("rotate")),
}
_MOST_PHRASES: Final = 100
_LONGEST_PHRASE: Final = 10
"""Words. A longer description is prose that nobody says."""


def call_for(intent: Intent, tools: Sequence[ToolObject]) -> CallTool | None:
    """Return the call that carries out the intent; None if no tool can."""
    for wanted in _WANTED.get(intent.kind, ()):
        for tool in tools:
            words = _name_words(tool)
            if (
                not wanted.needs <= words
                or (wanted.one_of and not wanted.one_of & words)
                or wanted.never & words
            ):
                continue
            arguments = _fill(tool, intent)
            if arguments is not None:
                return CallTool(tool["name"], json.dumps(arguments))
    return None


def call_by_name(text: str, tools: Sequence[ToolObject]) -> CallTool | None:
    """Return a call of the tool whose name or description was said; None if there is none."""
    said = clean(text)
    for tool in tools:
        if said and said in _phrases_of(tool):
            return CallTool(tool["name"], "{}")
    return None


def forced_call(name: str, intent: Intent, tools: Sequence[ToolObject]) -> CallTool | None:
    """Return a call of the tool that the client demands (`tool_choice`), with the arguments that can be filled."""
    tool = next((tool for tool in tools if tool["name"] == name), None)
    return None if tool is None else CallTool(name, json.dumps(_fill(tool, intent) or {}))


def tool_phrases(tools: Iterable[ToolObject]) -> tuple[str, ...]:
    """Return sentences that call tools by name or description, for the recogniser's grammar; limited in number."""
    found = [phrase for tool in tools for phrase in _phrases_of(tool)]
    return tuple(dict.fromkeys(found))[:_MOST_PHRASES]


def intent_of_tool(name: str) -> IntentKind | None:
    """Return the intent that a tool of this name carries out; None if it is not known."""
    words = _words(name)
    for kind, rows in _WANTED.items():
        for wanted in rows[:1]:
            if (
                wanted.needs <= words
                and (not wanted.one_of or wanted.one_of & words)
                and not wanted.never & words
            ):
                return kind
    return None


def _phrases_of(tool: ToolObject) -> tuple[str, ...]:
    if _required(tool):
        return ()
    sentence = re.split(r"[.!?;:(]", str(tool.get("description", "")))[0]
    found = [clean(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", tool["name"])), clean(sentence)]
    return tuple(phrase for phrase in found if phrase and 2 <= len(phrase.split()) <= _LONGEST_PHRASE)


def _name_words(tool: ToolObject) -> set[str]:
    return _words(tool["name"])


def _words(name: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    words = set(re.split(r"[^a-z]+", spaced)) - {""}
    return words | {word[:-1] for word in words if word.endswith("s")}


def _properties(tool: ToolObject) -> dict[str, Any]:
    found = (tool.get("parameters") or {}).get("properties")
    return found if isinstance(found, dict) else {}


def _required(tool: ToolObject) -> list[str]:
    found = (tool.get("parameters") or {}).get("required")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _fill(tool: ToolObject, intent: Intent) -> dict[str, Any] | None:
    """Return arguments for the tool; None if a required one is not known, or none of what was said fits."""
    arguments: dict[str, Any] = {}
    values = _Values(intent)
    for name, schema in _properties(tool).items():
        value = values.of(name, schema if isinstance(schema, dict) else {})
        if value is not None:
            arguments[name] = value
    for name in _required(tool):
        if name not in arguments:
            schema = _properties(tool).get(name)
            if not isinstance(schema, dict) or not _nullable(schema):
                return None
            arguments[name] = None
    if values.matters and not any(name in arguments and arguments[name] is not None for name in arguments):
        return None
    return arguments


def _kinds(schema: dict[str, Any]) -> set[str]:
    kind = schema.get("type")
    found = {kind} if isinstance(kind, str) else set(kind) if isinstance(kind, list) else set()
    for option in schema.get("anyOf", ()):
        if isinstance(option, dict):
            found |= _kinds(option)
    return {entry for entry in found if isinstance(entry, str)}


def _nullable(schema: dict[str, Any]) -> bool:
    return "null" in _kinds(schema)


class _Values:
    """Converts the slots of an intent to the parameters of a tool."""

    def __init__(self, intent: Intent) -> None:
        self._kind = intent.kind
        self._slots = intent.slots

    @property
    def matters(self) -> bool:
        """Whether a call without any of the slots would be useless."""
        return self._kind in ("timer_set", "volume_set", "move", "turn")

    def of(self, name: str, schema: dict[str, Any]) -> Any:
        """Return a value for the parameter; None if no slot fits."""
        words = _words(name)
        kinds = _kinds(schema)
        choices = schema.get("enum")
        if isinstance(choices, list):
            return next((choice for choice in choices if choice in self._words_said()), None)
        if self._kind == "timer_set":
            return self._of_timer(words, kinds)
        if self._kind == "timer_cancel":
            return self._slots.get("label") if words & {"name", "label"} else None
        if self._kind.startswith("volume"):
            return self._of_volume(words, kinds)
        if self._kind in ("move", "turn"):
            return self._of_movement(words, kinds)
        return None

    def _words_said(self) -> set[Any]:
        found = {value for value in self._slots.values() if isinstance(value, str)}
        return found | {self._kind.rpartition("_")[2]} | ({"forwards"} if "forward" in found else set())

    def _of_timer(self, words: set[str], kinds: set[str]) -> Any:
        seconds = self._slots["seconds"]
        if words & {"name", "label", "title"}:
            return self._slots.get("label")
        if "string" in kinds and words & {"duration", "length", "time", "for"}:
            return duration_words(seconds)
        if words & {"hour", "h"}:
            return seconds // 3600
        if words & {"minute", "min", "m"}:
            return _exact(seconds, 60, kinds)
        if words & {"second", "sec", "s", "duration", "length", "delay", "time"}:
            return seconds
        return None

    def _of_volume(self, words: set[str], kinds: set[str]) -> Any:
        relative = words & {"change", "delta", "step", "by", "difference", "relative", "amount"}
        if self._kind == "volume_set":
            return None if relative or not kinds & {"integer", "number"} else self._slots["percent"]
        if relative and kinds & {"integer", "number"}:
            return 10 if self._kind == "volume_up" else -10
        if words & {"direction"} and "string" in kinds:
            return self._kind.removeprefix("volume_")
        return None

    def _of_movement(self, words: set[str], kinds: set[str]) -> Any:
        if words & {"direction", "way", "side"}:
            return self._slots.get("direction")
        if words & {"unit"}:
            return self._slots.get("unit")
        if kinds & {"integer", "number"}:
            return self._slots.get("amount")
        return None


def _exact(seconds: int, unit: int, kinds: set[str]) -> Any:
    """Return the seconds in this unit; None if that would need fractions and the tool takes none."""
    if seconds % unit == 0:
        return seconds // unit
    return seconds / unit if "number" in kinds else None
