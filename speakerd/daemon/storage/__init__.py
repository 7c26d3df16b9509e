"""What outlives the process; `systemd/README.md` lists all of it.

- `StateFile`: a small file that is replaced in one step and written rarely; `state_dir` is the folder for it.
- `MuteMemory`: whether somebody has muted by hand.
- `Volume`: the volume of the loudspeaker, kept over restarts.
"""

from speakerd.daemon.storage.mute import MuteMemory
from speakerd.daemon.storage.state_file import StateFile, state_dir
from speakerd.daemon.storage.volume import Volume

__all__ = ["MuteMemory", "StateFile", "Volume", "state_dir"]
