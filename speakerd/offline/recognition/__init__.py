"""Speech to text: pocketsphinx, and the schedule of what it is given, in a process of their own.

`worker` is that process. `scheduler` decides what is decoded when, `sphinx` holds the decoders, `confidence` tells
a command from other speech. The server's end of it, `offline.recognizer`, needs no more than the `messages` between
the two: whatever else this file imported would also be loaded into that process.
"""

from speakerd.offline.recognition.messages import (
    AUDIO,
    BEGIN,
    DROP,
    ERROR,
    FINISH,
    READY,
    RESULT,
    UNKNOWN_WORDS,
    Message,
    MessageDecoder,
    Recognition,
    encode,
)

__all__ = [
    "AUDIO",
    "BEGIN",
    "DROP",
    "ERROR",
    "FINISH",
    "READY",
    "RESULT",
    "UNKNOWN_WORDS",
    "Message",
    "MessageDecoder",
    "Recognition",
    "encode",
]
