"""Requests from outside.

- `Control` carries out the commands of the control socket.
- `Reloader` brings new settings into the running speaker.
"""

from speakerd.daemon.control.control import Control
from speakerd.daemon.control.reload import Reloader

__all__ = ["Control", "Reloader"]
