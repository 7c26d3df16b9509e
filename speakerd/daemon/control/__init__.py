"""Requests from outside.

- `Control` carries out the commands of the control socket.
- `LiveControlServer` listens for them.
- `Reloader` brings new settings into the running speaker.
"""

from speakerd.daemon.control.control import Control
from speakerd.daemon.control.live_control_server import LiveControlServer
from speakerd.daemon.control.reload import Reloader

__all__ = ["Control", "LiveControlServer", "Reloader"]
