"""What can go wrong with a tool.

The tree::

    ToolsError
    ├── TimerRefusedError(ValueError)    that timer cannot be set
    ├── TimerUnknownError(LookupError)   there is no such timer, or it is not clear which is meant
    └── TimerStoreError(OSError)         the timers cannot be stored

The text of the first two is passed to the model, which tells the user; that of the last goes to the journal.
"""


class ToolsError(Exception):
    """Root of what the speaker's own tools raise."""


class TimerRefusedError(ToolsError, ValueError):
    """A timer that is too long, too short, or one too many."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"No timer was set: {reason}.")


class TimerUnknownError(ToolsError, LookupError):
    """`wanted` names none of the timers `names`, or more than one."""

    def __init__(self, wanted: str | None, names: tuple[str, ...]) -> None:
        which = "Which one is meant" if wanted is None else f'No timer is called "{wanted}"'
        super().__init__(f"{which}? The timers are: {', '.join(names)}." if names else "There is no timer.")


class TimerStoreError(ToolsError, OSError):
    """The timers cannot be written to a file in `folder`."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(
            f"the timers cannot be stored ({reason}) and will be forgotten at the next start: see that {folder} "
            "can be written by the user that speakerd runs as, and that its disk is neither full nor read-only"
        )
