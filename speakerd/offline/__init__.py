"""An embedded realtime server on loopback: recognition, answers and speech with no network and no key.

It speaks the GA realtime protocol over real WebSockets, so whatever talks to a hosted model talks to it unchanged:
the demo's default, the peer of the tests, and what a speaker falls back to when its model cannot be reached.

::

    client ── WebSocket ── server, client_handler                      shells: sockets, processes, clocks
                             │ client events, time       ▲ server events
                           protocol ── effects ──▶ recognizer ── pipe ── recognition.worker (pocketsphinx)
                             │    ▲                espeak ── pipe ── espeak-ng
                             ▼    └── recognised text, speech to send
                           understanding                               pure: no sockets, no clocks

Recognition and speech run in processes of their own: pocketsphinx holds the interpreter's lock while it works.
Of the rest of speakerd the server imports only the names of the wire events and the resampler.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speakerd.offline.errors import (
        OfflineError,
        PortInUseError,
        RecognizerError,
        RecognizerMissingError,
        SpeechError,
        VoiceMissingError,
    )
    from speakerd.offline.server import OfflineServer
    from speakerd.offline.settings import OfflineSettings

__all__ = [
    "OfflineError",
    "OfflineServer",
    "OfflineSettings",
    "PortInUseError",
    "RecognizerError",
    "RecognizerMissingError",
    "SpeechError",
    "VoiceMissingError",
]


def __getattr__(name: str) -> Any:
    # Late, so that reading a configuration, which wants the settings only, loads neither sockets nor soxr.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = {"OfflineServer": "server", "OfflineSettings": "settings"}.get(name, "errors")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
