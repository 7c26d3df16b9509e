"""The speaker itself.

- `Speaker` joins sound, light, dialogue and session in one event loop; `PartDiedError` or
  `RestartRequestedError` ends it.
- `Assembly` is a speaker with all that it needs.
"""

from speakerd.daemon.core.assembly import Assembly
from speakerd.daemon.core.speaker import PartDiedError, RestartRequestedError, Speaker

__all__ = ["Assembly", "PartDiedError", "RestartRequestedError", "Speaker"]
