"""From the edges of contacts to gestures. Pure.

`debounce` makes presses and releases of edges, `gestures` reads the main button, `inputs` takes the edges of all
inputs, `gesture_table` tells in words what each gesture does.
"""

from speakerd.panel.buttons.gesture_table import table_markdown as gesture_table_markdown
from speakerd.panel.buttons.inputs import Inputs

__all__ = ["Inputs", "gesture_table_markdown"]
