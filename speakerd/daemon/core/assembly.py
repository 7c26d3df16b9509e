"""A speaker with all that it is made of, as `assemble` puts it together and the control socket finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speakerd.daemon.core.speaker import Speaker
    from speakerd.daemon.core.tool_host import Toolbox
    from speakerd.daemon.session import Embedded, Sessions


@dataclass(frozen=True, slots=True)
class Assembly:
    """A speaker, and what must be closed after it, in this order."""

    speaker: Speaker
    sessions: Sessions
    toolbox: Toolbox
    embedded: Embedded

    async def prepare(self) -> None:
        """Load what the first press would have to wait for. Raises ConnectFailedError."""
        if self.sessions.model.backend == "offline":
            await self.embedded.url()

    async def close(self) -> None:
        """Close what the speaker stands on. Idempotent."""
        self.toolbox.close()
        await self.embedded.close()
