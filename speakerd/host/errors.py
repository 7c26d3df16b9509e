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
    """The API key from `source` cannot be used. Never holds the key, nor a part of it."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"API key from {source}: {reason}")


class ControlError(HostError, ConnectionError):
    """Something is wrong with the control socket. `reason` says what, and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotRunningError(ControlError):
    """No daemon listens on the control socket."""


class NotAllowedError(ControlError):
    """This user may not use the control socket."""


class CommandError(ControlError):
    """The daemon refused a command, or could not carry it out.

    Attributes:
        kind: a slug for programs, such as `unknown_command` or `bad_arguments`.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
