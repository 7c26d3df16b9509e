"""Sound in and out: devices, echo canceller, speech gate, and playback that can be cut off at any sample.

`engine.AudioEngine` joins all parts and shows how sound passes through them. `device` is the port for sound
cards: `devices` implements it with PortAudio, `simulation` without hardware, `supervision` reopens what fails.
`capture` and `playback` take samples and times and return values; they know no device. `calibration` measures a
room. Imports nothing else of ours.
"""
