"""Everything that touches ALSA or PortAudio: devices, their names, formats and threads."""
