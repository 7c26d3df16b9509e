"""The optional parts of an installation, by the names of the package's extras: which there are, how one gets there.

- `catalogue`: all of them, and which of them some settings need
- `choice`: what the owner has chosen, over upgrades
- `installation`: putting one beside the program, trying it, taking it out
"""

from speakerd.cli.optional_parts.catalogue import EXTRAS, Extra, named, needed
from speakerd.cli.optional_parts.choice import RECORD, Wish, choices_of, record, recorded, wishes
from speakerd.cli.optional_parts.installation import ExtraNotInstalledError, Installation, is_there

__all__ = [
    "EXTRAS",
    "RECORD",
    "Extra",
    "ExtraNotInstalledError",
    "Installation",
    "Wish",
    "choices_of",
    "is_there",
    "named",
    "needed",
    "record",
    "recorded",
    "wishes",
]
