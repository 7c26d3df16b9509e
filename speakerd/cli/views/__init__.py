"""What commands show, as text. Pure.

`monitor` is the live view, `usage` the table of turns and tokens.
"""

from speakerd.cli.views.monitor import MonitorView
from speakerd.cli.views.usage import usage_line, usage_table

__all__ = ["MonitorView", "usage_line", "usage_table"]
