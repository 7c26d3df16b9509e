"""`speakerd demo`: the whole speaker in a simulated room, or on this machine's own sound.

`command` reads the command line. `scene` plays the story, `stage` shows it, `report` tells what came of it, `talk`
is for a person at the microphone or the keyboard.
"""

from speakerd.cli.demo.command import add_parser, run

__all__ = ["add_parser", "run"]
