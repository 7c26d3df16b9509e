"""Playback: the queue of speech and earcons, which can be cut off at any sample. Thread-safe, without a device.

- `buffer`: the queue of speech and sounds, which can be cut off at any sample
- `progress`: how much of each item was received, handed to the device, and heard
- `gain`: the volume's curve, and gains that change without a click
- `earcons`: the speaker's own short sounds
"""

from speakerd.audio.playback.buffer import PlaybackBuffer
from speakerd.audio.playback.earcons import Earcons
from speakerd.audio.playback.gain import volume_gain
from speakerd.audio.playback.progress import PlayedItem

__all__ = ["Earcons", "PlaybackBuffer", "PlayedItem", "volume_gain"]
