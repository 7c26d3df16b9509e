"""Checks of the settings that a program gives: each value is of the kind that the annotation of its key asks for.

Which of the known words a text has to be is left to the server: it may know more of them than this client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from speakerd.realtime import agents, dialects, items, model, prompts
from speakerd.realtime.agents import GUARDRAIL, HANDOFF, SETTINGS_TOOL, RealtimeRunHooks, check_names
from speakerd.realtime.dialects import Dialect
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
    either,
    optional,
)
from speakerd.realtime.model import (
    RealtimeAudioFormat,
    RealtimePlaybackTracker,
    RealtimeSessionModelSettings,
)

_KINDS: Final[Mapping[Any, Kind]] = {
    str: TEXT,
    Literal: TEXT,
    bool: FLAG,
    int: COUNT,
    float: NUMBER,
    Mapping: MAPPING,
    Sequence: LIST,
    Callable: CALLABLE,
    RealtimeRunHooks: Kind(
        "an instance of RealtimeRunHooks",
        lambda value: not isinstance(value, type) and hasattr(value, "on_agent_start"),
    ),
    Dialect: Kind(
        "a Dialect, such as speakerd.realtime.dialects.DIALECTS['azure']",
        lambda value: isinstance(value, Dialect),
    ),
    RealtimePlaybackTracker: Kind(
        "a RealtimePlaybackTracker",
        lambda value: all(hasattr(value, name) for name in ("on_play_ms", "played_ms", "set_audio_format")),
    ),
}
"""What is asked of a value, by the type in the annotation."""

_MEMBERS: Final = {"tools": SETTINGS_TOOL, "handoffs": HANDOFF, "output_guardrails": GUARDRAIL}
"""What is asked of each value of the list under this key."""


def check_config(
    owner: str, given: Any, kind: type, path: tuple[str, ...] = (), *, none: bool = False
) -> list[str]:
    """Compare settings with the typed dictionary `kind`; return a warning for each key that it does not have.

    Dictionaries within it are compared, too, unless they may be `None`: those are sent as they are. `path` is where
    in the settings of `owner` this is; with `none`, as in the settings of a model session, any value may be `None`.

    Raises:
        UserError: a value does not fit its key, or two tools or handoffs share a name.
    """
    check(owner, ".".join(path) or "it", given, optional(MAPPING) if none else MAPPING)
    if given is None:
        return []
    where = f"{owner}, {'.'.join(path)}" if path else owner
    none = none or kind is RealtimeSessionModelSettings
    known, unknown = _hints(kind), list[str]()
    for key, value in given.items():
        hint = known.get(key)
        if hint is None:
            unknown.append(_warning(".".join((*path, key)), key, known))
        elif (member := _MEMBERS.get(key)) is not None:
            check_each(where, key, (value or ()) if none else value, member)
        elif is_typeddict(hint):
            unknown += check_config(owner, value, hint, (*path, key), none=none)
        elif hint != RealtimeAudioFormat:  # That one is checked when it is brought into the wire's form.
            check(where, key, value, optional(_kind(hint)) if none else _kind(hint))
    if kind is RealtimeSessionModelSettings:
        check_names(where, given.get("tools") or (), given.get("handoffs") or ())
    return unknown


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    """Return the types of a typed dictionary's keys; its module imports some of them for type checkers only."""
    rooms = (agents, dialects, items, prompts, model)
    return get_type_hints(kind, localns={name: value for room in rooms for name, value in vars(room).items()})


def _kind(hint: Any) -> Kind:
    origin = get_origin(hint) or hint
    if origin not in (Union, UnionType):
        return MAPPING if is_typeddict(origin) else _KINDS[origin]
    kind = either(*dict.fromkeys(_kind(each) for each in get_args(hint) if each is not NoneType))
    return optional(kind) if NoneType in get_args(hint) else kind


def _warning(name: str, key: str, known: Mapping[str, Any]) -> str:
    import difflib  # noqa: PLC0415  # only mistakes need it

    near = difflib.get_close_matches(key, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
    return f"the setting {name} is unknown and has no effect: {hint}"
