"""From a state to the frames of a light.

`animator` is the pure part: state, sound level and time in, frames out. `render_thread` is the thread around it.
"""

from speakerd.panel.lights.render_thread import RenderedPanel, Renderer, local_minute

__all__ = ["RenderedPanel", "Renderer", "local_minute"]
