"""Measures a room and its devices, and proposes settings.

- `probe`: plays the probe sound through a device and records the answer
- `analysis`: what the recording says, and which settings follow. Pure
"""

from speakerd.audio.calibration.analysis import Measurement, propose, report
from speakerd.audio.calibration.probe import measure

__all__ = ["Measurement", "measure", "propose", "report"]
