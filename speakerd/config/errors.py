"""What can be wrong with a configuration.

::

    ConfigError (ValueError)        root of this room
    ├── ConfigErrors                the file was read, and these are all its mistakes
    └── ConfigFileError (OSError)   there is no such file, or it cannot be read or written
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


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
    """

    file: Path | None
    line: int | None
    key: str
    what: str
    found: str = ""
    allowed: str = ""
    cure: str = ""

    def __str__(self) -> str:
        """Return a line for the mistake, and one each for the allowed values and what to do."""
        place = str(self.file) if self.file else "settings"
        if self.line is not None:
            place += f":{self.line}"
        subject = f"{self.key} = {self.found}" if self.found and self.key else self.key
        text = ": ".join(part for part in (place, subject, self.what) if part)
        if self.allowed:
            text += f"\n    allowed: {self.allowed}"
        if self.cure:
            text += f"\n    {self.cure}"
        return text

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
        }


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
