"""The tools as the model sees them: thin functions over the cores, made for the parts of one speaker.

All are coroutines and run in the event loop. Expected errors are returned to the model as text. A model chooses a
tool by its name and description, which therefore say when to use it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, Protocol

from speakerd.realtime import FunctionTool, function_tool, stay_silent
from speakerd.tools.command_runner import CommandRunner
from speakerd.tools.errors import TimerRefusedError, TimerUnknownError
from speakerd.tools.words import duration_in_words, moment_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from speakerd.tools.settings import CommandSettings, ToolsSettings
    from speakerd.tools.timer_service import TimerService


class VolumeControl(Protocol):
    """What the volume tools act on."""

    @property
    def value(self) -> int:
        """The volume in percent."""

    def set(self, value: int) -> int:
        """Set the volume, limited to 0 to 100; return the new value."""

    def change(self, by: int) -> int:
        """Change the volume by so many percent, limited to 0 to 100; return the new value."""


class Parts(Protocol):
    """What the tools act on; used in the event loop only."""

    @property
    def volume(self) -> VolumeControl:
        """The volume of the loudspeaker."""

    @property
    def timers(self) -> TimerService:
        """The timers, started."""

    def local_time(self) -> datetime:
        """Return the local date and time."""

    def last_answer(self) -> str:
        """Return what the speaker said last before the current question; "" if nothing."""

    def end_conversation(self) -> None:
        """End the conversation after the current answer."""


def build_tools(
    settings: ToolsSettings, parts: Parts, environment: Mapping[str, str] = os.environ
) -> tuple[FunctionTool, ...]:
    """Return the tools that `settings` allow, acting on `parts`."""
    tools: list[FunctionTool] = []
    if settings.clock:
        tools.append(_clock(parts.local_time))
    if settings.timers:
        tools += _timers(parts)
    if settings.volume:
        tools += _volume(parts, settings.volume_step)
    if settings.repeat:
        tools.append(_repeat(parts))
    if settings.end_conversation:
        tools.append(_end_conversation(parts))
    if settings.stay_silent:
        tools.append(stay_silent)
    tools += (_command(command, environment) for command in settings.commands)
    return tuple(tools)


def _clock(local_time: Callable[[], datetime]) -> FunctionTool:
    @function_tool
    async def get_time() -> str:
        """Tell the current time and date."""
        return moment_in_words(local_time())

    return get_time


def _timers(parts: Parts) -> tuple[FunctionTool, ...]:
    @function_tool
    async def set_timer(seconds: int, name: str | None = None) -> str:
        """Set a timer that rings when it has run out.

        Args:
            seconds: How long it runs, in seconds.
            name: What it is for, if the person said so: "pasta".
        """
        try:
            timer = parts.timers.set(seconds, name)
        except TimerRefusedError as error:
            return str(error)
        return f'The timer "{timer.name}" rings in {duration_in_words(timer.duration_s)}.'

    @function_tool
    async def list_timers() -> str:
        """List the timers and how much time is left of each."""
        left = parts.timers.left()
        if not left:
            return "There is no timer."
        return " ".join(
            f'"{name}": {duration_in_words(seconds)} left.' if seconds > 0 else f'"{name}" is ringing.'
            for name, seconds in left
        )

    @function_tool
    async def cancel_timer(name: str | None = None) -> str:
        """Cancel a timer, or silence one that is ringing.

        Args:
            name: Its name or a part of it; "all" for all of them; nothing if there is only one.
        """
        try:
            ended = parts.timers.cancel(name)
        except TimerUnknownError as error:
            return str(error)
        return f"Cancelled: {', '.join(timer.name for timer in ended)}."

    return set_timer, list_timers, cancel_timer


def _volume(parts: Parts, step: int) -> tuple[FunctionTool, ...]:
    @function_tool
    async def set_volume(percent: int) -> str:
        """Set the loudness of the speaker.

        Args:
            percent: From 0, silent, to 100, as loud as it goes.
        """
        return f"The volume is {parts.volume.set(percent)} percent now."

    @function_tool
    async def change_volume(direction: Literal["up", "down"]) -> str:
        """Make the speaker a little louder or softer.

        Args:
            direction: up for louder, down for softer.
        """
        before = parts.volume.value
        now = parts.volume.change(step if direction == "up" else -step)
        if now == before:
            return f"It is as {'loud' if direction == 'up' else 'soft'} as it goes."
        return f"The volume is {now} percent now."

    return set_volume, change_volume


def _repeat(parts: Parts) -> FunctionTool:
    @function_tool
    async def repeat_last_answer() -> str:
        """Get the last answer word by word, when the person did not understand it: say it again, slowly."""
        last = parts.last_answer()
        return last or "Nothing was said yet."

    return repeat_last_answer


def _end_conversation(parts: Parts) -> FunctionTool:
    # Where the goodbye was said together with the call, no reply is asked for: it would be said twice.
    @function_tool(answer="unless_spoken")
    async def end_conversation() -> str:
        """End the conversation when the person says goodbye or wants nothing more. Say goodbye first."""
        parts.end_conversation()
        return "The conversation ends after these words."

    return end_conversation


def _command(settings: CommandSettings, environment: Mapping[str, str]) -> FunctionTool:
    runner = CommandRunner(settings, environment)

    @function_tool(
        name_override=settings.name,
        description_override=settings.description,
        needs_approval=settings.approval,
    )
    async def command() -> str:
        return await runner.run()

    return command
