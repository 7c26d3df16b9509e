"""The sound card, through ALSA and PortAudio. Importing this package loads PortAudio.

- `portaudio`: an `AudioDevice` on PortAudio
- `portaudio_latency`: enlarges the card's capture buffer, which PyAudio does not offer
- `format_adapter`: between the card's rate, channels and block size and the port's. Pure
- `names`: from a name in the configuration to one of PortAudio's devices. Pure
- `listing`: which devices there are, and at which rates they open
- `stderr_filter`: keeps what the C libraries print out of the journal
"""

from speakerd.audio.devices.listing import list_devices, table
from speakerd.audio.devices.portaudio import PyAudioDevice

__all__ = ["PyAudioDevice", "list_devices", "table"]
