"""Settings of the host room: the control socket and the journal."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """The Unix socket that `speakerd ctl` talks to."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    enabled: bool = True
    """Off: no socket at all; the button is then the only way in."""
    socket: str = "auto"
    """Path of the socket. auto: the service's runtime folder, or the user's when run by hand."""
    group: str = "speakerd"
    """Members of this group may use the socket, beside root and the daemon's own user. Empty: nobody else."""
    max_clients: Annotated[int, Ge(1), Le(64)] = 8
    """Connections at a time; a further one is told so and closed, so that memory stays bounded."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What goes to the journal (to the terminal when run by hand)."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severity that is written. One line per turn is `info`; each wire event is `debug`."""
    transcripts: bool = False
    """On: what both sides said is written too. Off by default: the journal outlives the conversation."""
    repeat_burst: Annotated[int, Ge(1), Le(1000)] = 5
    """So many entries of one kind are written per `repeat_window_s`; the rest are counted, not written."""
    repeat_window_s: Annotated[float, Ge(1), Le(3600)] = 60.0
    """Seconds. Spares the SD card when a device fails again and again."""
