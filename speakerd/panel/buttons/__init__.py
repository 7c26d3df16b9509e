"""From the edges of contacts to gestures. Pure.

`debounce` makes presses and releases of edges, `gestures` reads the main button, `inputs` takes the edges of all
inputs. What a gesture means is the dialogue's business: `speakerd.dialogue.gesture_meaning`.
"""

from speakerd.panel.buttons.inputs import Inputs

__all__ = ["Inputs"]
