"""One realtime session, seen from the daemon.

- `SessionLink` runs a conversation: opens a session, sends what waits in the uplink queue (`Outbox` and the items
  in it), and reports what comes back.
- `Sessions` opens sessions: with the model of the settings, or with the `Embedded` server.
- `HeardTracker` tells the session layer how much of each answer was heard.
- `address`, `handshake_headers`, `turn_detection`: the settings of `[model]` in the session layer's words.
"""

from speakerd.daemon.session.embedded_server import Embedded
from speakerd.daemon.session.model_config import address, handshake_headers, turn_detection
from speakerd.daemon.session.playback_tracker import HeardTracker
from speakerd.daemon.session.session_factory import Backend, Sessions
from speakerd.daemon.session.session_link import SessionLink
from speakerd.daemon.session.uplink_queue import (
    ClearInput,
    CutOff,
    EndOfTurn,
    Outbox,
    Outgoing,
    Sound,
    Text,
    TurnDetection,
    Verdict,
)

__all__ = [
    "Backend",
    "ClearInput",
    "CutOff",
    "Embedded",
    "EndOfTurn",
    "HeardTracker",
    "Outbox",
    "Outgoing",
    "SessionLink",
    "Sessions",
    "Sound",
    "Text",
    "TurnDetection",
    "Verdict",
    "address",
    "handshake_headers",
    "turn_detection",
]
