"""What can go wrong in the embedded server.

::

    OfflineError
    ├── PortInUseError (OSError)                 the port is taken
    ├── RecognizerMissingError (ImportError)     pocketsphinx is not installed
    ├── RecognizerError (RuntimeError)           the recogniser's process failed
    ├── VoiceMissingError (FileNotFoundError)    espeak-ng is not installed
    └── SpeechError (RuntimeError)               espeak-ng failed

What a client does wrong is no exception of this tree: it is answered with an `error` event (`refusals.py`).
"""

from __future__ import annotations


class OfflineError(Exception):
    """Root of all errors of the embedded server. The text says what to do."""


class PortInUseError(OfflineError, OSError):
    """Another program listens on the port. Carries `host` and `port`."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.host = host
        self.port = port

    def __str__(self) -> str:
        return (
            f"port {self.port} on {self.host} is in use by another program: stop that one, or choose another port "
            "([offline] port, or --port; 0 takes any free one)"
        )


class RecognizerMissingError(OfflineError, ImportError):
    """pocketsphinx cannot be imported."""

    def __str__(self) -> str:
        return "the offline recogniser is not installed: pip install 'speakerd[offline]'"


class RecognizerError(OfflineError, RuntimeError):
    """The recogniser's process died or never came up. Carries its last words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the offline recogniser failed: {self.reason}"


class VoiceMissingError(OfflineError, FileNotFoundError):
    """The program espeak-ng is not on the search path."""

    def __str__(self) -> str:
        return "the offline voice is not installed: apt install espeak-ng"


class SpeechError(OfflineError, RuntimeError):
    """espeak-ng ran and failed. Carries `exit_code` and what it wrote."""

    def __init__(self, exit_code: int, output: str) -> None:
        super().__init__(exit_code, output)
        self.exit_code = exit_code
        self.output = output

    def __str__(self) -> str:
        return f"espeak-ng ended with code {self.exit_code}: {self.output or 'no message'}"
