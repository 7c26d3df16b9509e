"""The settings: one TOML file, one model, all mistakes reported at once.

`settings.Settings` is composed of the frozen dataclasses that the rooms define in their `settings.py`, so that the
name, type, default, limits and explanation of a setting are written once. The other modules use these: `schema`
lists the settings, `template` prints the commented default file, `load` reads a file and reports every mistake with
its line, `show` prints what is in force with secrets masked, `diff` says when a changed setting is applied, `write`
changes single values and keeps the comments.
"""
