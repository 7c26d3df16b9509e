"""The button and the light of a speaker: gestures from edges, patterns from states, GPIO and stand-ins.

Pure: `gestures`, `patterns`, `lights`, `animator`, `rendering`, `level`, `terminal_keys`. Shells: `renderer`
(the one thread), `gpio_panel` with `gpio_pins`, `gpio_lamps` and `apa102`, `terminal`, `simulated`. The port is
`panel.Panel`; `factory.open_panel` makes the one that the settings name.
"""
