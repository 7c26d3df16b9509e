"""What the demo shows: the light, and captions as they come; and the button that the scene presses."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from speakerd.panel.terminal import TerminalPanel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from speakerd.daemon.metrics import Subscription


class FingerPanel(TerminalPanel):
    """A light in the terminal with a button that is pressed by a call."""

    def __init__(self) -> None:
        # The scene needs no keys, and must not take the terminal's: Ctrl-C stays what it is.
        super().__init__(with_keys=False)

    def tap(self, duration_s: float = 0.12) -> None:
        """Press, and let go `duration_s` later. Ignored before `start`."""
        at = time.monotonic()
        self._on_edge("button", True, at)
        # The edge keeps its time, however late a busy machine reports it: a tap must not become a hold.
        asyncio.get_running_loop().call_later(duration_s, self._on_edge, "button", False, at + duration_s)


class Captions:
    """The captions of both sides as lines of text, each as soon as an utterance or a sentence of it is complete."""

    NAMES: Final = {"user": "person", "assistant": "speaker"}

    def __init__(self) -> None:
        self._begun: dict[str, str] = {}
        self._told: dict[str, int] = {}

    def feed(self, role: str, item: str, text: str, *, final: bool) -> list[str]:
        """Take a part (or, with `final`, all) of the text of an item; return the lines that are complete now."""
        whole = text if final else self._begun.get(item, "") + text
        self._begun[item] = whole
        told = self._told.get(item, 0)
        upto = len(whole) if final else max(whole.rfind(mark, told) for mark in ".?!") + 1
        if upto <= told:
            return []
        self._told[item] = upto
        line = whole[told:upto].strip()
        return [f"  {self.NAMES.get(role, role):7} | {line}"] if line else []


class Stage:
    """Follows the live view of the speaker: prints it, and lets the scene wait for events."""

    def __init__(self) -> None:
        self.panel = FingerPanel()
        self.opened = asyncio.Event()
        self._news = asyncio.Condition()
        self._phase = "starting"
        self._speaking_at: float | None = None
        self._answers = 0
        self._interruptions = 0
        self._captions = Captions()

    def say(self, text: str) -> None:
        """Print a line above the light."""
        self.panel.write(text)

    async def follow(
        self, subscription: Subscription, notes: Sequence[Callable[[dict[str, Any]], None]]
    ) -> None:
        """Print captions and keep count until the speaker ends; pass every entry on to `notes`."""
        async for entry in subscription:
            for note in notes:
                note(entry)
            async with self._news:
                self._note(entry)
                self._news.notify_all()

    def _note(self, entry: dict[str, object]) -> None:
        match entry:
            case {"event": "state", "phase": str(phase)}:
                if self._phase == "speaking" and phase == "listening":
                    self._answers += 1
                self._phase = phase
                self._speaking_at = time.monotonic() if phase == "speaking" else None
            case {"event": "latency", "name": "interrupt_to_silence"}:
                self._interruptions += 1
                self._answers -= 1  # the one that was cut off was not heard to its end
                self.say(f"  {'':7} | (cut off there)")
            case {
                "event": "caption",
                "role": str(role),
                "item_id": str(item),
                "text": str(text),
                "final": final,
            }:
                for line in self._captions.feed(role, item, text, final=final is True):
                    self.say(line)

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._news:
            await self._news.wait_for(condition)

    async def heard_answers(self, count: int) -> None:
        """Wait until so many answers were played to their end."""
        await self._until(lambda: self._answers >= count and self._phase == "listening")

    async def heard_interruptions(self, count: int) -> None:
        """Wait until so many answers were interrupted."""
        await self._until(lambda: self._interruptions >= count)

    async def in_phase(self, phase: str) -> None:
        """Wait until the dialogue is in this phase."""
        await self._until(lambda: self._phase == phase)

    async def speaking_since(self, seconds: float) -> None:
        """Wait until an answer has been playing for so long."""
        await self._until(lambda: self._speaking_at is not None)
        await asyncio.sleep(seconds)
