"""The plain requests: what one may ask of a running speaker in one word.

One row each, and all else follows from it: the row itself is the event that the dialogue is told, `word` is its
trigger in the table of the dialogue as well as the command of the control socket and of `speakerd ctl`, and `help`
is what `speakerd ctl --help` says. To add one: its word, its row, and its rows in `table`.

`speakerd ctl` imports this file and has to start quickly: it imports nothing of ours.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

RequestWord: TypeAlias = Literal["wake", "stop", "mute", "unmute"]


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """A request without arguments."""

    word: RequestWord
    help: str


WAKE: Final = PlainRequest("wake", "listen, as after a press")
STOP: Final = PlainRequest("stop", "be silent and end the conversation")
MUTE: Final = PlainRequest("mute", "shut the microphone")
UNMUTE: Final = PlainRequest("unmute", "open it again")

PLAIN_REQUESTS: Final[tuple[PlainRequest, ...]] = (WAKE, STOP, MUTE, UNMUTE)
"""In the order of `speakerd ctl --help`."""
