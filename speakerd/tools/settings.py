"""Settings of the tools (`[tools]`): what the speaker can do when asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final

from annotated_types import Ge, Le, MaxLen, MinLen

BUILT_IN: Final[Mapping[str, tuple[str, ...]]] = {
    "clock": ("get_time",),
    "timers": ("set_timer", "list_timers", "cancel_timer"),
    "volume": ("set_volume", "change_volume"),
    "repeat": ("repeat_last_answer",),
    "end_conversation": ("end_conversation",),
    "stay_silent": ("stay_silent",),
}
"""The tools that come with the speaker, by the setting that switches them on."""

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """One command of your own that the model may run: `[[tools.commands]]`.

    It is run without a shell, as the daemon's user, with no key in its environment. What the model says can
    only choose whether it runs, never its arguments.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    name: Annotated[str, MinLen(1), MaxLen(64)]
    """What the model calls it: letters, digits, "_" and "-"."""
    description: Annotated[str, MinLen(1), MaxLen(1000)]
    """When to use it and what it does, for the model: "Turn the light in the kitchen on."."""
    argv: Annotated[tuple[Annotated[str, MinLen(1)], ...], MinLen(1), MaxLen(64)]
    """The program and its arguments; the program with its full path."""
    timeout_s: Annotated[float, Ge(0.1), Le(600)] = 10.0
    """After this it is ended, with all that it started."""
    approval: bool = False
    """On: somebody must press the button first (`[dialogue] approval_*`)."""

    def __post_init__(self) -> None:
        """Refuse a name that the model's protocol would, and a program that depends on the search path."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f'name = {self.name!r} may hold letters, digits, "_" and "-" only')
        if not self.argv[0].startswith("/"):
            raise ValueError(f"argv = [{self.argv[0]!r}, ...] must begin with the program's full path")


@dataclass(frozen=True, slots=True)
class ToolsSettings:
    """`[tools]`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    clock: bool = True
    """It can tell the time and the date."""
    timers: bool = True
    """It can set, list and cancel timers."""
    volume: bool = True
    """It can change its volume."""
    repeat: bool = True
    """It can say its last answer again."""
    end_conversation: bool = True
    """It can end the conversation when the person says goodbye."""
    stay_silent: bool = True
    """It can say nothing to talk that was not meant for it. Off: it answers whatever it hears."""
    volume_step: Annotated[int, Ge(1), Le(50)] = 10
    """Percent by which "louder", "softer" and the volume buttons change the volume."""
    max_timers: Annotated[int, Ge(1), Le(100)] = 20
    """More than so many timers at a time are refused."""
    longest_timer_h: Annotated[float, Ge(0.1), Le(720)] = 24.0
    """Hours; longer timers are refused, since the model most likely misheard."""
    commands: Annotated[tuple[CommandSettings, ...], MaxLen(50)] = field(default=())
    """Commands of your own."""

    def __post_init__(self) -> None:
        """Refuse two tools of one name, for the model could call only one of them."""
        taken = {
            name: f"{key} = true" for key, names in BUILT_IN.items() if getattr(self, key) for name in names
        }
        for index, command in enumerate(self.commands):
            if other := taken.get(command.name):
                raise ValueError(
                    f"commands.{index}.name: {command.name!r} is the name of another tool already ({other}); "
                    "call this one otherwise"
                )
            taken[command.name] = f"[[tools.commands]] number {index + 1}"
