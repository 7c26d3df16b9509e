"""What can go wrong between the daemon and its host.

::

    HostError (OSError)                     root of this room
    ├── CredentialError                     a key was named and cannot be used
    └── ControlError (ConnectionError)      the control socket
        ├── NotRunningError                 nobody answers there
        ├── NotAllowedError                 this user may not
        └── CommandError                    the daemon refused or could not do the command
"""


class HostError(OSError):
    """Root of the errors of this room; the text says what to do."""


class CredentialError(HostError):
    """The API key cannot be used. Never holds the key, nor a part of it.

    Attributes:
        source: where it was looked for.
        reason: what is wrong there, and the cure.
    """

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(source, reason)
        self.source = source
        self.reason = reason

    def __str__(self) -> str:
        """Where, what and the cure."""
        return f"API key from {self.source}: {self.reason}"


class ControlError(HostError, ConnectionError):
    """Something about the control socket.

    Attributes:
        reason: what is wrong, and the cure.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        """What is wrong, and the cure."""
        return self.reason


class NotRunningError(ControlError):
    """No daemon listens there."""


class NotAllowedError(ControlError):
    """This user may not use the socket."""


class CommandError(ControlError):
    """The daemon answered, and the answer is no.

    Attributes:
        kind: a slug for programs, such as `unknown_command` or `bad_arguments`.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
