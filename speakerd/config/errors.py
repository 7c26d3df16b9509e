"""What can be wrong with a configuration.

::

    ConfigError (ValueError)        root of this room
    ├── ConfigErrors                the file was read, and these are all its mistakes
    └── ConfigFileError (OSError)   there is no such file, or it cannot be read or written
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning"]
"""An error keeps the settings from being used; with a warning they are, and probably not as meant."""

_LONGEST = 300


class ConfigError(ValueError):
    """Root of all errors of the configuration; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in one place.

    Attributes:
        file: the file; None for settings that came from none.
        line: counted from 1; None if there is no line.
        key: dotted, as `audio.gate.hangover_ms`; empty for the file as a whole.
        what: the mistake, in words.
        found: the value as TOML, masked if it may be a secret; empty if it does not matter.
        allowed: the allowed values, in words.
        cure: what to do, if that is not clear from `allowed`.
        excerpt: the line itself and a caret below it, secrets masked; empty if the line is not the point.
        severity: whether the settings can be used all the same.
        subject: how the key is called in the message, if otherwise than `key`.
    """

    file: Path | None
    line: int | None
    key: str
    what: str
    found: str = ""
    allowed: str = ""
    cure: str = ""
    excerpt: str = ""
    severity: Severity = "error"
    subject: str = ""

    def __str__(self) -> str:
        """Return a line for the mistake, and one each for the excerpt, the allowed values and what to do."""
        place = str(self.file) if self.file else "settings"
        if self.line is not None:
            place += f":{self.line}"
        key = _cut(self.subject or self.key, _LONGEST // 3)
        subject = f"{key} = {self.found}" if self.found and key else key
        grade = "" if self.severity == "error" else self.severity
        text = ": ".join(part for part in (place, grade, subject, _cut(self.what, _LONGEST)) if part)
        if self.excerpt:
            text += f"\n{self.excerpt}"
        if self.allowed:
            text += f"\n    allowed: {self.allowed}"
        if self.cure:
            text += f"\n    {self.cure}"
        return visible(text)

    def to_dict(self) -> dict[str, str | int | None]:
        """Return the fields of the mistake, JSON-safe."""
        return {
            "file": str(self.file) if self.file else None,
            "line": self.line,
            "key": self.key,
            "what": self.what,
            "found": self.found,
            "allowed": self.allowed,
            "cure": self.cure,
            "excerpt": self.excerpt,
            "severity": self.severity,
        }


def visible(text: str) -> str:
    """Return the text with escapes in place of characters that would move the cursor or could not be printed."""
    return "".join(
        char if char == "\n" or char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


class ConfigErrors(ConfigError):  # noqa: N818 - it is many of them
    """All mistakes of one configuration, in the order of the file.

    Attributes:
        problems: at least one.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        head = f"{count} mistake{'' if count == 1 else 's'} in the configuration:"
        super().__init__("\n".join([head, *map(str, problems)]))
        self.problems = tuple(problems)


class ConfigFileError(ConfigError, OSError):
    """The file itself cannot be read or written. `reason`: why, and what to do about it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
