"""Requests from outside.

- `Control` carries out the commands of the control socket.
- `LiveControlServer` listens for them.
- `Reloader` brings new settings into the running speaker.
- `log_warnings` writes what a valid file probably does not mean.
"""

from speakerd.daemon.control.control import Control
from speakerd.daemon.control.live_control_server import LiveControlServer
from speakerd.daemon.control.reload import Reloader, log_warnings

__all__ = ["Control", "LiveControlServer", "Reloader", "log_warnings"]
