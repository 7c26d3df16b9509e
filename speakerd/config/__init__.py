"""The settings: one TOML file, one model, all mistakes reported at once.

`settings.Settings` is composed of the frozen dataclasses that the rooms define in their `settings.py`, so that the
name, type, default, limits and explanation of a setting are written once. The other modules use these: `schema`
lists the settings, `template` prints the reference of all of them, `load` reads a file and reports every mistake
with its line, `syntax` explains what is not TOML, `show` prints what is in force with secrets masked, `diff` says
which settings differ, `write` changes single values and keeps the comments.
"""
