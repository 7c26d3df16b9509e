"""What can go wrong in the embedded server.

::

    OfflineError
    ├── PortInUseError (OSError)                 the port is taken
    ├── RecognizerMissingError (ImportError)     pocketsphinx is not installed
    ├── RecognizerError (RuntimeError)           the recogniser's process failed
    ├── VoiceMissingError (FileNotFoundError)    espeak-ng is not installed
    └── SpeechError (RuntimeError)               espeak-ng failed

A mistake of a client is no exception of this tree: it is answered with an `error` event (`request_errors`).
"""

from __future__ import annotations


class OfflineError(Exception):
    """Root of all errors of the embedded server. The text says what to do."""


class PortInUseError(OfflineError, OSError):
    """Another program listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"port {port} on {host} is in use by another program: stop that one, or choose another port "
            "([offline] port, or --port; 0 takes any free one)"
        )


class RecognizerMissingError(OfflineError, ImportError):
    """pocketsphinx cannot be imported."""

    def __init__(self) -> None:
        super().__init__("the offline recogniser is not installed: sudo speakerd extras add offline")


class RecognizerError(OfflineError, RuntimeError):
    """The recogniser's process died, or did not start. `reason`: what it said last."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the offline recogniser failed: {reason}")


class VoiceMissingError(OfflineError, FileNotFoundError):
    """The program espeak-ng is not on the search path."""

    def __init__(self) -> None:
        super().__init__("the offline voice is not installed: apt install espeak-ng")


class SpeechError(OfflineError, RuntimeError):
    """espeak-ng ran and failed. `output`: what it wrote to stderr."""

    def __init__(self, exit_code: int, output: str) -> None:
        super().__init__(f"espeak-ng ended with code {exit_code}: {output or 'no message'}")
