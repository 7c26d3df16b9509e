"""One line per turn: how long each wait was, what was sent, what it cost; and the same live, for the monitor.

Watches events and commands go by and decides nothing. A turn's line is written when its answer was heard to the
end, was cut off, or failed to come.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from speakerd.audio.events import (
    BargeInConfirmed,
    PlaybackDrained,
    PlaybackStarted,
    SpeechEnded,
    SpeechStarted,
)
from speakerd.daemon.metrics.latencies import Mark, Stopwatch
from speakerd.dialogue.commands import Command, Commit, Interrupt, Listen
from speakerd.dialogue.events import ConnectionLost, Event, ResponseEnded, ResponseStarted
from speakerd.host.journal import fields
from speakerd.panel.types import Gesture

if TYPE_CHECKING:
    from speakerd.daemon.metrics.monitor import MonitorFeed
    from speakerd.daemon.metrics.usage_store import UsageKeeper

log = logging.getLogger(__name__)


class TurnLog:
    """See the module. Event loop only."""

    def __init__(self, monitor: MonitorFeed, usage: UsageKeeper, *, hangover_s: float) -> None:
        """`hangover_s`: the silence after which a sentence counts as ended; the person had ended before it."""
        self._monitor = monitor
        self._usage = usage
        self._hangover_s = hangover_s
        self._watch = Stopwatch()
        self._turn: dict[str, float] = {}
        self._cause_at = 0.0
        self._tokens = 0
        self.conversation = 0
        """Which conversation since the start this is."""
        self.turns = 0
        """How many turns there were since the start."""

    def event(self, event: Event, now: float) -> None:
        """Something happened; called before the dialogue answers it."""
        self._cause_at = now
        match event:
            case Gesture(kind="press_down", at=at):
                self._cause_at = at
                self._mark("press", at)
            case BargeInConfirmed(at=at):
                self._cause_at = at
            case SpeechStarted(at=at):
                self._mark("speech_start", at)
            case SpeechEnded(at=at, reason=reason):
                self._mark("speech_end", at - self._hangover_s if reason == "silence" else at)
            case ResponseStarted():
                self._mark("response", now)
            case PlaybackStarted(at=at):
                self._mark("first_sound", at)
            case PlaybackDrained():
                self._close_turn("heard")
            case ResponseEnded(status=status) if status in {"failed", "incomplete"}:
                self._close_turn(status)
            case ConnectionLost(reason=reason, fatal=fatal):
                log.warning("no connection: %s", reason, extra=fields(event="connection_lost", fatal=fatal))

    def command(self, command: Command, now: float) -> None:
        """The dialogue ordered something; called before it is done."""
        match command:
            case Listen(mode) if mode != "closed":
                self._mark("listening", now)
            case Commit():
                self._mark("commit", now)
            case Interrupt():
                self._mark("interrupt", self._cause_at)

    def phase(self, before: str, after: str, now: float) -> None:
        """The dialogue went from one phase to another."""
        if before == "idle" and after not in {"idle", "stopping"}:
            self.conversation += 1
            self._usage.conversation(ended=False)
            self._monitor.publish("conversation", now, number=self.conversation, ended=False)
        elif after == "idle" and before not in {"idle", "starting"}:
            self._watch.reset()
            self._usage.conversation(ended=True)
            self._monitor.publish("conversation", now, number=self.conversation, ended=True)

    def silenced(self, at: float) -> None:
        """The loudspeaker fell silent at `at` after an interruption."""
        self._mark("silence", at)
        self._close_turn("interrupted")

    def caption(self, role: str, item_id: str, text: str, *, final: bool, now: float) -> None:
        """What was said goes to the monitor only."""
        self._monitor.publish("caption", now, role=role, item_id=item_id, text=text, final=final)

    def detail(self, event: str, details: dict[str, Any], now: float) -> None:
        """Usage, tools, the connection, errors, speech that was lost."""
        self._monitor.publish(event, now, **details)
        if event == "usage":
            self._usage.count(details)
            self._tokens += details.get("total_tokens", 0)
        elif event == "session_error":
            log.warning(
                "%s: %s", details["kind"], details["message"], extra=fields(event=event, kind=details["kind"])
            )
        elif event == "speech_dropped":
            log.warning(
                "%.1f s of speech were never sent: more waited for the connection than is kept",
                details["seconds"],
                extra=fields(event="speech_dropped", seconds=details["seconds"]),
            )
        elif event != "connection":
            log.info(
                "%s %s",
                event.replace("_", " "),
                details.get("tool", ""),
                extra=fields(event=event, **details),
            )

    def _mark(self, name: Mark, at: float) -> None:
        self._monitor.publish("mark", at, name=name)
        for latency, elapsed in self._watch.mark(name, at).items():
            self._turn[latency] = elapsed
            self._monitor.publish("latency", at, name=latency, seconds=round(elapsed, 4))

    def _close_turn(self, outcome: str) -> None:
        if not self._turn:
            return
        self.turns += 1
        self._usage.count({"turns": 1})
        milliseconds = {f"{name}_ms": round(1000 * seconds) for name, seconds in self._turn.items()}
        words = ", ".join(
            f"{name.removesuffix('_ms').replace('_', ' ')} {value} ms" for name, value in milliseconds.items()
        )
        log.info(
            "turn %s: %s",
            outcome,
            words,
            extra=fields(
                event="turn",
                outcome=outcome,
                conversation=self.conversation,
                tokens=self._tokens,
                **milliseconds,
            ),
        )
        self._turn.clear()
        self._tokens = 0
