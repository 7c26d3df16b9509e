"""Keeps the device running: notices when it is lost or useless, and reopens it.

- `device_supervisor`: opens, reopens and closes the device, in threads of its own
- `recovery`: decides when a device is lost, due for another attempt, or stuck. Pure
- `watchers`: a silent microphone, and blocks that came too late. Pure
"""

from speakerd.audio.supervision.device_supervisor import DeviceSupervisor
from speakerd.audio.supervision.watchers import SilenceWatch, XrunReporter

__all__ = ["DeviceSupervisor", "SilenceWatch", "XrunReporter"]
