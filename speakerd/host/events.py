"""The events of the journal, and the questions they answer: `python -m speakerd.host.events` prints JOURNAL.md.

Every entry that a program may look for carries `SPEAKERD_EVENT`. A test compares this list with the names that the
sources use.
"""

import sys
from dataclasses import dataclass
from typing import Literal

Priority = Literal["info", "warning", "error", "critical"]


@dataclass(frozen=True, slots=True)
class JournalEvent:
    """One kind of entry: its level, what it says, and its further fields."""

    name: str
    level: Priority
    meaning: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A question about the daemon, the commands that answer it, one per line, and how to read the answer."""

    question: str
    command: str
    reading: str


EVENTS: tuple[JournalEvent, ...] = (
    JournalEvent("ready", "info", "Sound and panel are open; it waits for a press."),
    JournalEvent("started_muted", "info", "It starts with the microphone shut; the line says by what."),
    JournalEvent("stopped", "info", "It has ended, and was asked to.", ("TURNS",)),
    JournalEvent(
        "config_refused", "critical", "The configuration has mistakes; it did not start. Exit code 2."
    ),
    JournalEvent("config_warning", "warning", "The configuration is valid, and probably not meant so."),
    JournalEvent("start_failed", "critical", "A device, a pin, a port or the key is missing. Exit code 3."),
    JournalEvent(
        "left_out",
        "error",
        "An optional part that the settings ask for is not there; it started without. The line says the cure.",
        ("SETTING",),
    ),
    JournalEvent(
        "part_died", "critical", "A part died and could not be healed; systemd starts it again. Exit code 4."
    ),
    JournalEvent("reloaded", "info", "New settings were read; the lines before it say which.", ("CHANGES",)),
    JournalEvent(
        "setting_changed", "info", "One setting of a reload: its old value, its new one, when it counts."
    ),
    JournalEvent(
        "reload_failed", "error", "Part of the new settings could not be taken; the line says which, and why."
    ),
    JournalEvent(
        "reload_refused",
        "error",
        "The file has mistakes, or a part cannot work with it; the old settings stay in force.",
    ),
    JournalEvent("watchdog_starved", "error", "A callback stands still; systemd will end and restart it."),
    JournalEvent(
        "phase", "info", "The conversation went from one phase to another.", ("FROM", "TO", "CAUSE")
    ),
    JournalEvent(
        "turn",
        "info",
        "A turn is over: heard, interrupted, failed, completed (but with nothing to hear), incomplete or timeout; "
        "with its latencies in milliseconds.",
        (
            "OUTCOME",
            "REASON",
            "CONVERSATION",
            "TOKENS",
            "PRESS_TO_LISTENING_MS",
            "SPEECH_END_TO_SOUND_MS",
            "COMMIT_TO_SOUND_MS",
            "INTERRUPT_TO_SILENCE_MS",
        ),
    ),
    JournalEvent("usage", "info", "Tokens of one answer, as the server counted them.", ("TOTAL_TOKENS",)),
    JournalEvent("transcript", "info", "What was said. Only with log.transcripts.", ("ROLE",)),
    JournalEvent("tool_start", "info", "A tool runs.", ("TOOL",)),
    JournalEvent("tool_end", "info", "A tool is done.", ("TOOL",)),
    JournalEvent("tool_failed", "warning", "A tool has ended without a result.", ("TOOL",)),
    JournalEvent("approval_asked", "info", "A tool waits for a yes or a no at the button.", ("TOOL",)),
    JournalEvent("approval_given", "info", "A tool was allowed at the button.", ("TOOL",)),
    JournalEvent(
        "approval_refused", "info", "A tool was not allowed; the line says why.", ("TOOL", "REASON")
    ),
    JournalEvent("connection_lost", "warning", "The model is out of reach.", ("FATAL",)),
    JournalEvent("session_error", "warning", "The server reports an error.", ("KIND",)),
    JournalEvent(
        "key_unread",
        "warning",
        "The file of the key cannot be read any more; the key from before is used.",
    ),
    JournalEvent(
        "setting_refused",
        "warning",
        "The server refuses a setting; the line has the file, the line in it and the server's reason.",
        ("SETTING",),
    ),
    JournalEvent(
        "speech_dropped",
        "warning",
        "Of more than a minute of speech that waited for the connection, the oldest was never sent.",
        ("SECONDS",),
    ),
    JournalEvent("account_fault", "warning", "Key, quota or model are refused; retrying cannot help."),
    JournalEvent(
        "answer_timeout",
        "warning",
        "An answer did not come, or did not go on: response, tool, playback or connection had its limit.",
        ("WAITED_FOR", "TOOLS"),
    ),
    JournalEvent(
        "no_answer",
        "warning",
        "A response ended without an answer, or before its end; the reason is the server's, or text_only or empty.",
        ("STATUS", "REASON"),
    ),
    JournalEvent(
        "answer_unspoken",
        "warning",
        "The model wrote its answer where sound was asked for, and there is no local voice that speaks it.",
    ),
    JournalEvent(
        "announcement_failed",
        "warning",
        "An announcement was not spoken, or not to its end; where somebody ended it, as info.",
        ("REASON",),
    ),
    JournalEvent("button_stuck", "warning", "The button has been down for panel.gestures.stuck_s."),
    JournalEvent("timer_unheard", "warning", "A timer rang until its limit, and nobody came.", ("TIMERS",)),
    JournalEvent(
        "state_damaged",
        "warning",
        "A file of the state folder cannot be read; it is set aside, and begun anew.",
        ("FILE",),
    ),
    JournalEvent(
        "state_unwritable", "warning", "A file of the state folder cannot be written; told once.", ("FILE",)
    ),
    JournalEvent("panel_failed", "error", "A light or a button failed; the rest goes on."),
    JournalEvent(
        "device_lost",
        "warning",
        "A card is gone, or stands still; it is tried again for ever.",
        ("DIRECTION",),
    ),
    JournalEvent("device_returned", "info", "The lost card gives or takes sound again.", ("DIRECTION",)),
    JournalEvent("xruns", "warning", "Sound came too late or was lost.", ("COUNT",)),
    JournalEvent("underrun", "info", "Speech ran out for a moment: the network was late.", ("ITEM",)),
    JournalEvent(
        "capture_silent", "warning", "The microphone gives digital silence: unplugged, or muted in the mixer."
    ),
)

QUESTIONS: tuple[Question, ...] = (
    Question("Is it well?", "systemctl status speakerd", "Its state in words, and the last lines."),
    Question(
        "What does it do right now?", "speakerd ctl monitor", "Light, meters, gate, words, latencies, live."
    ),
    Question(
        "Why did it not answer?",
        "journalctl -u speakerd -p warning --since '10 min ago'",
        "connection_lost: the network or the server. speech_dropped: it was away for more than a minute of speech. "
        "account_fault: key or quota. answer_timeout: the model was silent. no_answer: it "
        "had nothing to say, or not to the end. Nothing at all: it did not hear you; "
        "then see the next question.",
    ),
    Question(
        "Did it hear me?",
        "journalctl -u speakerd SPEAKERD_EVENT=phase --since '10 min ago'",
        "listening, then thinking: it heard you. listening, then idle: it heard nothing, so look at the microphone "
        "with speakerd doctor. No line: the press did not arrive.",
    ),
    Question(
        "How quick is it?",
        "journalctl -u speakerd SPEAKERD_EVENT=turn --since today -o json"
        " --output-fields=SPEAKERD_SPEECH_END_TO_SOUND_MS,SPEAKERD_INTERRUPT_TO_SILENCE_MS",
        "One line per turn.",
    ),
    Question(
        "What did it cost today?",
        "speakerd ctl usage\n"
        "journalctl -u speakerd SPEAKERD_EVENT=turn --since today -o json --output-fields=SPEAKERD_TOKENS"
        " | jq -s 'map(.SPEAKERD_TOKENS | tonumber) | add'",
        "Tokens; times the price of your model. The first counts by day, this month and the last, and outlives "
        "restarts; the second asks the journal, which a Pi may keep in memory only. The embedded server counts as "
        "well, and costs nothing.",
    ),
    Question(
        "Why did it start again?",
        "journalctl -u speakerd -p err -b",
        "part_died, watchdog_starved, or a signal.",
    ),
    Question(
        "Did my change take?", "journalctl -u speakerd -g reload", "Each changed setting, and when it counts."
    ),
    Question(
        "Is the sound card all right?",
        "journalctl -u speakerd SPEAKERD_EVENT=device_lost + SPEAKERD_EVENT=device_returned + SPEAKERD_EVENT=xruns"
        " + SPEAKERD_EVENT=capture_silent --since today",
        "Xruns now and then do no harm; many mean a weak power supply or a busy processor.",
    ),
)


def catalog() -> str:
    """Return the text of JOURNAL.md."""
    lines = [
        "# The journal",
        "",
        "Made from `speakerd/host/events.py`. Entries carry fields: `journalctl -o json` shows them,",
        "`journalctl SPEAKERD_EVENT=turn` finds by them. What was said is not among them, unless you set",
        "`log.transcripts = true`.",
        "",
        "## Questions",
        "",
    ]
    for question in QUESTIONS:
        commands = [f"    {line}" for line in question.command.splitlines()]
        lines += [f"**{question.question}** {question.reading}", "", *commands, ""]
    lines += [
        "## Events",
        "",
        "| SPEAKERD_EVENT | priority | meaning | fields (each SPEAKERD_...) |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{event.name}` | {event.level} | {event.meaning} | {', '.join(event.fields)} |"
        for event in sorted(EVENTS, key=lambda event: event.name)
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(catalog())
