"""The button and the light of a speaker.

The port is `port.Panel`; `factory.open_panel` makes the panel that the settings name. `buttons` turns the edges of
contacts into gestures. `looks` lists what the light shows in each state, `patterns` how it moves, `lights` draws
it. The panels are `gpio` (pins of a Raspberry Pi), `terminal` (keyboard and a line of text) and `simulated`
(tests).
"""
