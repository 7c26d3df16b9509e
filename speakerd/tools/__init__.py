"""What the speaker can do when asked.

Tell the time, keep timers, change its volume, repeat itself, say goodbye, and run commands of its owner's.

Pure cores: `words`, `timers` (the timer book). Shells: `timer_store` (the file), `timer_service` (the clock),
`command_runner` (processes). `build.build_tools` makes of them what the model is offered. Imports `realtime` and
nothing else of ours.
"""
