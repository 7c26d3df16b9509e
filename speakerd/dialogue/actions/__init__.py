"""The actions of the rows of the table: the only code that writes to the state of the dialogue.

`turn` and `answer` move a conversation, `conversation` ends it; `hand`, `approvals`, `mute`, `connection`, `faults`
and `timers` are about what goes on beside it, and `sounds` are the speaker's own short sounds.
"""

from collections.abc import Callable
from typing import TypeAlias

from speakerd.dialogue.transition import Transition

Action: TypeAlias = Callable[[Transition], None]
