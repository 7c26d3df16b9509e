"""A sound device without hardware, for the demo, for tests, and where there is no sound card.

- `device`: an `AudioDevice` in real or stepped time, with every fault a sound card can have
- `room`: the echo path from the loudspeaker to the microphone. Pure
- `person`: someone in the room, who speaks recordings
"""

from speakerd.audio.simulation.device import SimulatedDevice
from speakerd.audio.simulation.person import ScriptedUtterance
from speakerd.audio.simulation.room import RoomShape

__all__ = ["RoomShape", "ScriptedUtterance", "SimulatedDevice"]
