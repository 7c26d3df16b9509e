"""The speaker itself.

- `Speaker` joins sound, light, dialogue and session in one event loop; `PartDiedError` ends it.
- `Toolbox` joins the tools to the speaker.
- `Assembly` is a speaker with all that it is made of.
"""

from speakerd.daemon.core.assembly import Assembly
from speakerd.daemon.core.speaker import PartDiedError, Speaker
from speakerd.daemon.core.tool_host import Toolbox

__all__ = ["Assembly", "PartDiedError", "Speaker", "Toolbox"]
