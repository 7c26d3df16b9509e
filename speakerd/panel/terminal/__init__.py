"""Button and light in a terminal.

`panel` puts it together: `keys` tells from key codes when a key goes down and up, `line` is the light as text,
`lamp` writes to the terminal.
"""

from speakerd.panel.terminal.panel import TerminalPanel

__all__ = ["TerminalPanel"]
