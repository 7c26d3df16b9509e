"""The live view as text: turns events into lines. Pure.

On a terminal a last line is added to the scrolling ones: light, meters, gate, current caption. Only this line is
redrawn, at most `FRAMES_PER_S` times a second and only if it has changed, so that the view works on slow
connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FRAMES_PER_S = 4.0
_METER_WIDTH = 12
_METER_FLOOR_DBFS = -60.0
_LONGEST_CAPTION = 2_000
_BEGIN_LINE, _END_LINE = "\r\033[K", "\033[0m"
_COLOURS = {
    "listening": "\033[32m",
    "speaking": "\033[36m",
    "thinking": "\033[33m",
    "connecting": "\033[33m",
    "muted": "\033[31m",
    "error": "\033[31m",
    "offline": "\033[35m",
    "ringing": "\033[35m",
    "approval": "\033[35m",
}
_SPEAKERS = {"user": "you", "assistant": "speaker"}


class MonitorView:
    """Keeps the current state, and returns a line for what is new.

    Args:
        columns: width of the terminal.
        colour: whether it may be coloured.
    """

    def __init__(self, columns: int = 80, *, colour: bool = False) -> None:
        self._columns = columns
        self._colour = colour
        self._light = self._phase = "?"
        self._mic = self._speaker = _METER_FLOOR_DBFS
        self._gate = False
        self._saying = ""
        self._item = ""
        self._drawn = ""
        self._drawn_at = float("-inf")

    def status(self, status: Mapping[str, Any]) -> str:
        """Take the status at the beginning; return it as one line."""
        self._light, self._phase = str(status.get("light", "?")), str(status.get("phase", "?"))
        connected = "connected" if status.get("connected") else "not connected"
        if answers := status.get("answers"):
            connected += f" to {answers}"
        return f"{self._light}, {connected}, volume {status.get('volume', '?')}"

    def feed(self, event: Mapping[str, Any]) -> list[str]:
        """Take an event; return its lines, often none."""
        match event:
            case {"event": "level"}:
                self._mic = float(event.get("mic", _METER_FLOOR_DBFS))
                self._speaker = float(event.get("speaker", _METER_FLOOR_DBFS))
                gate, self._gate = self._gate, bool(event.get("gate"))
                return [] if gate == self._gate else [f"  gate {'open' if self._gate else 'closed'}"]
            case {"event": "state", "light": light, "phase": phase}:
                before, self._light, self._phase = self._light, str(light), str(phase)
                return [] if before == self._light else [f"* {self._light}" + self._beside()]
            case {"event": "caption", "role": role, "text": text}:
                return self._caption(
                    str(role), str(event.get("item_id", "")), str(text), bool(event.get("final"))
                )
            case {"event": "latency", "name": name, "seconds": seconds}:
                return [f"  {str(name).replace('_', ' ')}: {round(float(seconds) * 1000)} ms"]
            case {"event": "conversation", "number": number, "ended": ended}:
                return [f"-- conversation {number} {'ended' if ended else 'began'}"]
            case {"event": "connection", "status": status}:
                reason = event.get("reason")
                return [f"  connection: {status}" + (f" ({reason})" if reason else "")]
            case {"event": "answers", "by": who}:
                return [f"  connected to {who}"]
            case {"event": "mark"}:  # the beginnings and ends of the latencies, for programs
                return []
            case {"event": "lost", "count": count}:
                return [f"  ({count} events left out: this line is too slow for all of them)"]
            case {"event": name}:
                rest = ", ".join(
                    f"{key}={_short(value)}" for key, value in event.items() if key not in {"event", "at"}
                )
                return [f"  {str(name).replace('_', ' ')}" + (f": {rest}" if rest else "")]
        return []

    def frame(self, now: float) -> str:
        """Return what to write to update the last line; empty if it is up to date, or was drawn just now."""
        if now - self._drawn_at < 1.0 / FRAMES_PER_S:
            return ""
        line = self._bottom()
        if line == self._drawn:
            return ""
        self._drawn, self._drawn_at = line, now
        return _BEGIN_LINE + self._coloured(line)

    def above(self, lines: list[str]) -> str:
        """Return what to write to add lines above the last line, which is drawn again."""
        if not lines:
            return ""
        return _BEGIN_LINE + "\n".join(lines) + "\n" + self._coloured(self._drawn)

    @staticmethod
    def end() -> str:
        """Return what to write to restore the terminal."""
        return _BEGIN_LINE + _END_LINE

    def _beside(self) -> str:
        return "" if self._phase == self._light else f" ({self._phase})"

    def _caption(self, role: str, item: str, text: str, final: bool) -> list[str]:
        if not final:
            self._saying = text if item != self._item else (self._saying + text)[-_LONGEST_CAPTION:]
            self._item = item
            return []
        if item == self._item:
            self._saying = self._item = ""
        return [f"{_SPEAKERS.get(role, role)}: {text}"]

    def _bottom(self) -> str:
        gate = "open  " if self._gate else "closed"
        line = f"{self._light:<10} mic {_meter(self._mic)} gate {gate} out {_meter(self._speaker)}"
        room = self._columns - 1 - len(line) - 2
        if self._saying and room > 0:
            line += "  " + " ".join(self._saying.split())[-room:]
        return line[: self._columns - 1]

    def _coloured(self, line: str) -> str:
        start = _COLOURS.get(self._light, "") if self._colour else ""
        return f"{start}{line}{_END_LINE}" if start else line


def _meter(dbfs: float) -> str:
    filled = round(_METER_WIDTH * (1 - max(_METER_FLOOR_DBFS, min(0.0, dbfs)) / _METER_FLOOR_DBFS))
    return "[" + "#" * filled + "." * (_METER_WIDTH - filled) + "]"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
