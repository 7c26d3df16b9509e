"""The plain requests: what one may ask of a running speaker in one word.

One row each, and all else follows from it: the row itself is the event that the dialogue is told, `trigger` is
what the table of the dialogue calls it, `word` is the command of the control socket and of `speakerd ctl`, and
`help` is what `speakerd ctl --help` says. To add one: its trigger, its row, and its rows in `table`.

`speakerd ctl` imports this file and has to start quickly: it imports nothing of ours.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

RequestTrigger: TypeAlias = Literal["start", "end", "mute", "unmute"]


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """A request without arguments."""

    word: str
    trigger: RequestTrigger
    help: str


WAKE: Final = PlainRequest("wake", "start", "listen, as after a press")
STOP: Final = PlainRequest("stop", "end", "be silent and end the conversation")
MUTE: Final = PlainRequest("mute", "mute", "shut the microphone")
UNMUTE: Final = PlainRequest("unmute", "unmute", "open it again")

PLAIN_REQUESTS: Final[tuple[PlainRequest, ...]] = (WAKE, STOP, MUTE, UNMUTE)
"""In the order of `speakerd ctl --help`."""
