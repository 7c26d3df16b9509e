"""One line per turn: how long each wait was, what was sent, what it cost; and the same live, for the monitor.

Watches events and commands go by and decides nothing. A turn's line is written when its answer was heard to the
end, was cut off, or failed to come.

A latency is the time between two marks of one turn, each a name and a monotonic time. Where one of the two is
missing, or they are in the wrong order, there is no latency rather than a wrong one.

Pure: time is a parameter.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from speakerd.audio.events import (
    BargeInConfirmed,
    PlaybackDrained,
    PlaybackStarted,
    SpeechEnded,
    SpeechStarted,
)
from speakerd.dialogue.commands import Command, Commit, Interrupt, Listen, Log, SendText
from speakerd.dialogue.events import ConnectionLost, Event, ResponseStarted
from speakerd.host.journal import fields
from speakerd.panel.types import Gesture

if TYPE_CHECKING:
    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import LiveSettings
    from speakerd.daemon.metrics.monitor import MonitorFeed
    from speakerd.daemon.metrics.usage_store import UsageStore

log = logging.getLogger(__name__)

Mark: TypeAlias = Literal[
    "press",
    "listening",
    "speech_start",
    "speech_end",
    "commit",
    "response",
    "first_sound",
    "interrupt",
    "silence",
]

LATENCIES: dict[str, tuple[Mark, Mark]] = {
    "press_to_listening": ("press", "listening"),
    "speech_end_to_sound": ("speech_end", "first_sound"),
    "commit_to_sound": ("commit", "first_sound"),
    "interrupt_to_silence": ("interrupt", "silence"),
}
"""Latency -> (from, to): what a person waits for, and how fast it falls silent."""

_LONGEST_S = 300.0
"""A pair further apart than this belongs to two turns."""


@dataclass(slots=True)
class Stopwatch:
    """Marks of the running turn and the latencies that became known."""

    _marks: dict[Mark, float] = field(default_factory=dict)

    def mark(self, name: Mark, now: float) -> dict[str, float]:
        """Set `name` to `now` (seconds); return the latencies in seconds that this completes.

        A mark that begins something (the left column of `LATENCIES`) overwrites an older one; one that ends
        something counts once for its beginning.
        """
        self._marks[name] = now
        done: dict[str, float] = {}
        for latency, (begin, end) in LATENCIES.items():
            if end != name or begin not in self._marks:
                continue
            elapsed = now - self._marks[begin]
            if 0.0 <= elapsed <= _LONGEST_S:
                done[latency] = elapsed
        for latency in done:
            self._marks.pop(LATENCIES[latency][0], None)
        return done

    def reset(self) -> None:
        """A new conversation: no mark of the old one may pair with one of the new."""
        self._marks.clear()


class TurnLog:
    """Writes the lines, counts turns and conversations, and feeds the monitor. Event loop only."""

    def __init__(self, monitor: MonitorFeed, usage: UsageStore, settings: LiveSettings) -> None:
        self._monitor = monitor
        self._usage = usage
        self._place_of = settings.place_of
        self._take(settings.subscribe("audio.gate.hangover_ms", take=self._take))
        self._watch = Stopwatch()
        self._turn: dict[str, float] = {}
        self._cause_at = 0.0
        self._asked = False
        """An answer was asked for or has begun, and its turn has no line yet."""
        self._tokens = 0
        self._talking = False
        self.conversation = 0
        """How many conversations there were since the start, this one included."""
        self.turns = 0
        """How many turns there were since the start."""

    def _take(self, settings: Settings) -> None:
        self._hangover_s = settings.audio.gate.hangover_ms / 1000
        """Silence that ends a sentence; the person stopped speaking that much earlier."""

    def event(self, event: Event, now: float) -> None:
        """Note an event of the dialogue, before the dialogue handles it."""
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
                self._asked = True
                self._mark("response", now)
            case PlaybackStarted(at=at):
                self._asked = True
                self._mark("first_sound", at)
            case PlaybackDrained():
                self._close_turn("heard")
            case ConnectionLost(reason=reason, fatal=fatal):
                log.warning("no connection: %s", reason, extra=fields(event="connection_lost", fatal=fatal))

    def command(self, command: Command, now: float) -> None:
        """Note a command of the dialogue, before it is carried out."""
        match command:
            case Listen(mode) if mode != "closed":
                self._mark("listening", now)
            case Commit():
                self._asked = True
                self._mark("commit", now)
            case SendText(kind="ask"):
                self._asked = True
                self._mark("commit", now)
            case Log("no_answer", words):
                self._close_turn(str(words["status"]), str(words["reason"]))
            case Log("answer_timeout", words):
                self._close_turn("timeout", str(words["waited_for"]))
            case Log("account_fault"):
                self._close_turn("failed", "account")
            case Log("session_error", words) if words["kind"] in {"server", "rate_limit"}:
                self._close_turn("failed", str(words["kind"]))
            case Interrupt():
                self._mark("interrupt", self._cause_at)

    def phase(self, after: str, now: float) -> None:
        """Note that the dialogue has gone to another phase."""
        if not self._talking and after not in {"starting", "idle", "announcing", "stopping"}:
            self._talking = True
            self.conversation += 1
            self._usage.conversation(ended=False)
            self._monitor.publish("conversation", now, number=self.conversation, ended=False)
        elif self._talking and after == "idle":
            self._talking = False
            self._watch.reset()
            self._usage.conversation(ended=True)
            self._monitor.publish("conversation", now, number=self.conversation, ended=True)

    def silenced(self, at: float) -> None:
        """Note that the loudspeaker falls silent at `at`, after an interruption; what ended then may be no turn."""
        self._mark("silence", at)
        if self._asked:
            self._close_turn("interrupted")
        else:
            self._turn.pop("interrupt_to_silence", None)

    def caption(self, role: str, item_id: str, text: str, *, final: bool, now: float) -> None:
        """Show what was said, to the monitor only."""
        self._monitor.publish("caption", now, role=role, item_id=item_id, text=text, final=final)

    def detail(self, event: str, details: dict[str, Any], now: float) -> None:
        """Note usage, tools, the connection, an error, or speech that was lost."""
        self._monitor.publish(event, now, **details)
        if event == "usage":
            self._usage.count(details)
            self._tokens += details.get("total_tokens", 0)
        elif event == "session_error":
            log.warning(
                "%s: %s", details["kind"], details["message"], extra=fields(event=event, kind=details["kind"])
            )
        elif event == "setting_refused":
            log.warning(
                "%s: the server refuses it: %s; %s",
                self._place_of(details["setting"]) if details["setting"] else details["parameter"],
                details["message"],
                "the others are in force" if details["speaks_on"] else "nothing is asked until it is changed",
                extra=fields(event="setting_refused", setting=details["setting"] or details["parameter"]),
            )
        elif event == "speech_dropped":
            log.warning(
                "%.1f s of speech were never sent: more waited for the connection than is kept",
                details["seconds"],
                extra=fields(event="speech_dropped", seconds=details["seconds"]),
            )
        elif event == "tool_failed":
            log.warning("the tool %s has failed", details["tool"], extra=fields(event=event, **details))
        elif event != "connection":
            log.info("%s", _sentence(event, details), extra=fields(event=event, **details))

    def _mark(self, name: Mark, at: float) -> None:
        self._monitor.publish("mark", at, name=name)
        for latency, elapsed in self._watch.mark(name, at).items():
            self._turn[latency] = elapsed
            self._monitor.publish("latency", at, name=latency, seconds=round(elapsed, 4))

    def _close_turn(self, outcome: str, reason: str = "") -> None:
        if not self._turn and not (self._asked and outcome not in {"heard", "interrupted"}):
            return
        self._asked = False
        self.turns += 1
        self._usage.count({"turns": 1})
        milliseconds = {f"{name}_ms": round(1000 * seconds) for name, seconds in self._turn.items()}
        words = ", ".join(
            f"{name.removesuffix('_ms').replace('_', ' ')} {value} ms" for name, value in milliseconds.items()
        )
        log.info(
            "turn %s: %s",
            f"{outcome} ({reason})" if reason else outcome,
            words or "nothing was heard",
            extra=fields(
                event="turn",
                outcome=outcome,
                reason=reason,
                conversation=self.conversation,
                tokens=self._tokens,
                **milliseconds,
            ),
        )
        self._turn.clear()
        self._tokens = 0


def _sentence(event: str, details: dict[str, Any]) -> str:
    match event:
        case "usage":
            return f"the answer took {details.get('total_tokens', 0)} tokens"
        case "tool_start":
            return f"the tool {details['tool']} runs"
        case "tool_end":
            return f"the tool {details['tool']} is done"
        case _:
            return event.replace("_", " ")
