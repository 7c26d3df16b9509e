"""The server's half of the realtime protocol, without sockets, processes or clocks. Pure.

`session` is the whole of it for one client. It reads requests (`read_item`, `read_response`, `session_settings`),
follows the input (`input_audio`, `turn_detection`), sends responses (`responses`, `pacing`, `usage`) and
collects in `output` what it wants sent and done. `effects` are the things that its shell has to do.
"""

from speakerd.offline.protocol.effects import (
    CloseConnection,
    DropUtterance,
    Effect,
    FinishUtterance,
    StartSpeaking,
    StartUtterance,
    StopSpeaking,
    UtteranceAudio,
)
from speakerd.offline.protocol.output import Output
from speakerd.offline.protocol.session import ServerSession

__all__ = [
    "CloseConnection",
    "DropUtterance",
    "Effect",
    "FinishUtterance",
    "Output",
    "ServerSession",
    "StartSpeaking",
    "StartUtterance",
    "StopSpeaking",
    "UtteranceAudio",
]
