"""The speaker itself.

- `Speaker` joins sound, light, dialogue and session in one event loop; `PartFailedError` or
  `RestartRequestedError` ends it.
- `Assembly` is a speaker with all that it needs.
- `OpenRequest` is one whose end is waited for.
- `Voice` speaks announcements; `LocalVoice` is espeak-ng. `NoVoiceError`: it cannot.
"""

from speakerd.daemon.core.announcer import Voice
from speakerd.daemon.core.assembly import Assembly
from speakerd.daemon.core.local_voice import LocalVoice, NoVoiceError
from speakerd.daemon.core.request_book import OpenRequest
from speakerd.daemon.core.speaker import PartFailedError, RestartRequestedError, Speaker

__all__ = [
    "Assembly",
    "LocalVoice",
    "NoVoiceError",
    "OpenRequest",
    "PartFailedError",
    "RestartRequestedError",
    "Speaker",
    "Voice",
]
