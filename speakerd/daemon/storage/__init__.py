"""What outlives the process.

- `StateFile`: a small file that is replaced in one step and written rarely; `state_dir` is the folder for it.
- `Volume`: the volume of the loudspeaker, kept over restarts.
"""

from speakerd.daemon.storage.state_file import StateFile, state_dir
from speakerd.daemon.storage.volume import Volume

__all__ = ["StateFile", "Volume", "state_dir"]
