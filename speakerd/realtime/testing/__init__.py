"""For tests, yours as well as ours: a model that plays a script, and a server on loopback that does.

`ScriptedRealtimeModel` stands in for the model and knows nothing of a network: use it to test what a session does,
in a few lines and without waiting (see `scripted`). `LoopbackServer` is a real WebSocket server that plays server
events, records client events and injects faults: use it to test the way over the wire (see `loopback`, and
`server_events` for events to play).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speakerd.realtime.testing.loopback import LoopbackServer
    from speakerd.realtime.testing.scripted import (
        RealtimeScriptError,
        RealtimeStep,
        ScriptedRealtimeModel,
        UnconsumedRealtimeSteps,
        UnexpectedRealtimeSend,
        emit,
        expect,
    )

_HOME_OF = {
    "LoopbackServer": "loopback",
    "RealtimeScriptError": "scripted",
    "RealtimeStep": "scripted",
    "ScriptedRealtimeModel": "scripted",
    "UnconsumedRealtimeSteps": "scripted",
    "UnexpectedRealtimeSend": "scripted",
    "emit": "scripted",
    "expect": "scripted",
}

__all__ = [
    "LoopbackServer",
    "RealtimeScriptError",
    "RealtimeStep",
    "ScriptedRealtimeModel",
    "UnconsumedRealtimeSteps",
    "UnexpectedRealtimeSend",
    "emit",
    "expect",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
