"""Sound in and out: devices, echo canceller, speech gate, playback that can be cut at any sample.

Pure cores (frames, resample, playback, vad, gate, echo, barge_in, sounds, wake_word, pipeline) take samples
and a time and answer with values; device, engine and what belongs to them are the shell that owns threads and
the sound card. Imports nothing else of ours.
"""
