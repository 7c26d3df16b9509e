"""The speaker itself.

- `Speaker` joins sound, light, dialogue and session in one event loop; `PartFailedError` or
  `RestartRequestedError` ends it.
- `Assembly` is a speaker with all that it needs.
"""

from speakerd.daemon.core.assembly import Assembly
from speakerd.daemon.core.speaker import PartFailedError, RestartRequestedError, Speaker

__all__ = ["Assembly", "PartFailedError", "RestartRequestedError", "Speaker"]
