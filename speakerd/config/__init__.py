"""The settings: one TOML file, one model, every mistake named at once.

`settings.Settings` composes the frozen dataclasses that the rooms define in their `settings.py`, so that a
name, a type, a default, a limit and the line that explains it exist in one place each. Everything else here
reads that: `schema` lists the settings, `template` prints the commented default file, `load` reads a file
and reports every mistake with its line, `show` prints what is in force with secrets masked, `diff` says
what a reload may apply when, `write` changes single values and leaves the comments alone.
"""
