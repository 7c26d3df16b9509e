"""Carries out the dialogue's commands: one short method each, none of them waits.

Loudspeaker, light and microphone act at once; what goes to the model is queued in the link, in order. What takes
time (closing a session) runs as a task.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol, assert_never

from speakerd.daemon.session import ClearInput, CutOff, EndOfTurn, Text, TurnDetection, Verdict
from speakerd.dialogue.commands import (
    Approve,
    ArmWakeWord,
    ChangeVolume,
    Command,
    Commit,
    Connect,
    DiscardAudio,
    Disconnect,
    Duck,
    Interrupt,
    Listen,
    Log,
    PlaySound,
    Reject,
    Restore,
    SendHeld,
    SendText,
    SilenceTimer,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from speakerd.audio.engine import AudioEngine
    from speakerd.daemon.session import HeardTracker, SessionLink
    from speakerd.realtime.model import RealtimeTurnDetectionConfig

log = logging.getLogger(__name__)


class House(Protocol):
    """What commands need beside sound and session."""

    def turn_detection(self) -> RealtimeTurnDetectionConfig | None:
        """How the server finds the end of turns, by the settings; None: it does not."""

    def change_volume(self, steps: int) -> None:
        """Louder or softer by so many steps."""

    def silence_timer(self, name: str) -> None:
        """The ringing timer of that name was heard."""

    def arm_wake_word(self, *, armed: bool) -> None:
        """Whether a wake word counts now."""


class Performer:
    """See the module. Event loop only."""

    def __init__(self, engine: AudioEngine, link: SessionLink, heard: HeardTracker, house: House) -> None:
        self.engine = engine
        """Replaced when new sound settings come into force."""
        self._link = link
        self._heard = heard
        self._house = house
        self._by_hand = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def perform(self, command: Command) -> None:
        """Do it, or begin to."""
        match command:
            case Connect():
                self._link.connect()
            case Disconnect():
                self._by_hand = False  # the next session begins with what the settings say
                self._begin(self._link.disconnect())
            case Listen(mode, since, ends_by):
                if mode != "closed":
                    self._detect_turns(by_hand=ends_by == "release")
                self.engine.listen(mode, since)
            case ArmWakeWord(armed):
                self._house.arm_wake_word(armed=armed)
            case SendHeld():
                self._link.release()
            case Commit():
                self._link.send(EndOfTurn())
            case DiscardAudio(sent):
                self._link.outbox.forget_sound()
                if sent:
                    self._link.send(ClearInput())
            case Interrupt():
                self.cut_off()
                self._link.send(CutOff())
            case Duck():
                self.engine.duck()
            case Restore():
                self.engine.restore()
            case PlaySound(name):
                self.engine.play_earcon(name)
            case SendText(text, kind):
                self._link.send(Text(text, verbatim=kind == "say"))
            case Approve(call_id):
                self._link.send(Verdict(call_id))
            case Reject(call_id, reason):
                self._link.send(Verdict(call_id, reason))
            case SilenceTimer(name):
                self.engine.stop_earcons()
                self._house.silence_timer(name)
            case ChangeVolume(steps):
                self._house.change_volume(steps)
            case Log(event, fields, problem):
                level = logging.WARNING if problem else logging.INFO
                words = " ".join(f"{name}={value}" for name, value in fields.items())
                log.log(
                    level,
                    "%s%s",
                    event.replace("_", " "),
                    f": {words}" if words else "",
                    extra=_fields(command),
                )
            case _:
                assert_never(command)

    def _detect_turns(self, *, by_hand: bool) -> None:
        """While a hand holds the button it ends the turn, not the server; where the server does otherwise."""
        config = self._house.turn_detection()
        if config is not None and by_hand != self._by_hand:
            self._by_hand = by_hand
            self._link.send(TurnDetection(None if by_hand else config))

    def cut_off(self) -> None:
        """Stop speaking, and remember how much was heard: the session asks for it to truncate."""
        self._heard.cut(self.engine.flush())

    async def finish(self) -> None:
        """Wait for what was begun."""
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a command failed", exc_info=error)


def _fields(command: Log) -> dict[str, str]:
    fields = {f"SPEAKERD_{name.upper()}": str(value) for name, value in command.fields.items()}
    return {"SPEAKERD_EVENT": command.event, **fields}
