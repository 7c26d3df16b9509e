"""Settings of the embedded realtime server (`[offline]`): names, types, defaults and limits exist here only."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le, MaxLen, MinLen


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineSettings:
    """`[offline]`: recogniser (pocketsphinx), fixed answers and voice (espeak-ng), with no network and no key."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    port: Annotated[int, Ge(0), Le(65535)] = 8290
    """TCP port, on loopback only: it asks for no key, so nobody else may reach it. 0: any free one (the daemon's
    own server in this process needs no fixed one)."""
    load: Literal["start", "first_use"] = "start"
    """When the recogniser is loaded: at the start, or at the first words, which then wait for it."""
    free_speech: Literal["while_listening", "after", "off"] = "while_listening"
    """How what is no command is understood. while_listening: a second recogniser follows the words as they
    come, so the answer is quick; after: it starts once they are over, which spares a small board's processor
    for commands; off: commands only, and 100 MB of memory less."""
    confidence: Annotated[float, Ge(0), Le(1)] = 0.5
    """From here on the command that the words fit best is taken as said; below, they count as free speech."""
    phrases: Annotated[tuple[Annotated[str, MinLen(1), MaxLen(200)], ...], MaxLen(200)] = field(default=())
    """Your own sentences, in English words: understood as surely as the built-in commands."""
    voice: Annotated[str, MinLen(1), MaxLen(64)] = "en-us"
    """espeak-ng's voice (`espeak-ng --voices`), when the client asks for none of espeak-ng's itself."""
    speed_wpm: Annotated[int, Ge(80), Le(450)] = 165
    """Words a minute at the client's `speed` 1.0."""
    pitch: Annotated[int, Ge(0), Le(99)] = 45
    """espeak-ng's pitch."""
    greeting: Annotated[str, MinLen(1), MaxLen(500)] = "Hello! What can I do for you?"
    """The answer to a greeting."""
    pace: Annotated[float, Ge(0), Le(100)] = 4.0
    """Speech is sent so many times faster than it lasts, like a hosted model's. 0: as fast as it can be made."""
    max_connections: Annotated[int, Ge(1), Le(64)] = 4
    """Clients at a time; a further one is closed with code 1013 (try again later)."""
    max_session_s: Annotated[float, Ge(1), Le(86_400)] = 3600.0
    """Seconds after which a session ends with close code 1001, like a hosted one."""
    longest_turn_s: Annotated[float, Ge(1), Le(600)] = 120.0
    """Seconds of one turn that are listened to; what comes after them in the same turn is not."""
