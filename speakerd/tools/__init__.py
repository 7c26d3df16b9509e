"""What the speaker can do when asked: clock, timers, volume, commands of your own (being built)."""
