"""The speaker: dialogue, sound, panel and session joined on one event loop."""
