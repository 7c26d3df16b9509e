"""What can go wrong with a tool.

The tree::

    ToolsError
    ├── TimerRefusedError(ValueError)    that timer cannot be set
    ├── TimerUnknownError(LookupError)   there is no such timer, or it is not clear which is meant
    └── TimerStoreError(OSError)         the stored timers cannot be read or written

The text of the first two is for the model, which tells the person; that of the last for the journal.
"""


class ToolsError(Exception):
    """Root of what the speaker's own tools raise."""


class TimerRefusedError(ToolsError, ValueError):
    """A timer that is too long, too short, or one too many."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"No timer was set: {self.reason}."


class TimerUnknownError(ToolsError, LookupError):
    """`wanted` names none of `names`, or more than one."""

    def __init__(self, wanted: str | None, names: tuple[str, ...]) -> None:
        super().__init__(wanted, names)
        self.wanted = wanted
        self.names = names

    def __str__(self) -> str:
        if not self.names:
            return "There is no timer."
        which = "Which one is meant" if self.wanted is None else f'No timer is called "{self.wanted}"'
        return f"{which}? The timers are: {', '.join(self.names)}."


class TimerStoreError(ToolsError, OSError):
    """The file of the timers at `path` cannot be used."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.reason}. Timers will not survive a restart until this is mended; "
            f"the file may be deleted."
        )
