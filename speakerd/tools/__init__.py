"""What the speaker can do when asked.

Tell the time, keep timers, change its volume, repeat itself, say goodbye, and run the owner's commands. `build`
makes the tools that the model is offered, from `words` and `timers` (pure), `timer_store` (the file of the timers),
`timer_service` (their clock) and `command_runner` (processes).
"""
