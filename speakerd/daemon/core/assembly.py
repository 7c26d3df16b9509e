"""A speaker with all that it needs, as `assemble` puts it together and the control socket finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from speakerd.daemon.session import BACKENDS

if TYPE_CHECKING:
    from speakerd.daemon.core.speaker import Speaker
    from speakerd.daemon.live_settings import UnworkableSettingError
    from speakerd.daemon.session import EmbeddedServer, SessionFactory


@dataclass(frozen=True, slots=True)
class Assembly:
    """A speaker, and what is closed after it."""

    speaker: Speaker
    sessions: SessionFactory
    embedded: EmbeddedServer

    @property
    def left_out(self) -> tuple[UnworkableSettingError, ...]:
        """What the settings ask for and the speaker does without, until somebody mends it."""
        problem = self.embedded.problem
        return (*self.speaker.settings.left_out, *((problem,) if problem is not None else ()))

    @property
    def answers(self) -> str | None:
        """Who answers in this conversation; None while there is no connection."""
        if not self.speaker.link.connected:
            return None
        return BACKENDS[self.sessions.backend]

    @property
    def fallen_back(self) -> bool:
        """Whether the embedded server answers in the place of the model that the settings name."""
        offline = self.sessions.backend == "offline" and self.speaker.link.connected
        return offline and self.speaker.settings.latest.model.backend != "offline"

    async def prepare(self) -> None:
        """Load what the first press would have to wait for. Raises ConnectFailedError."""
        await self.sessions.prepare()

    async def close(self) -> None:
        """Close what the speaker needed, after its end. Idempotent."""
        self.speaker.tools.close()
        await self.embedded.close()
