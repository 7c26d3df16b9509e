"""The setting or table that was probably meant by a name that is none."""

import difflib
from typing import Final

from speakerd.config import schema
from speakerd.config.line_numbers import KeyPath
from speakerd.config.settings import Settings

NO_SUCH_NAME: Final = "Delete it, or mend its name: `speakerd check --defaults` prints all names."
"""What to do about a name that is like none that there is."""
_LEAST_ALIKE = 0.6
"""Of the last parts: two names are not alike because they are in the same table."""


def nearest(path: KeyPath) -> str:
    """Return the known key or table that was probably meant; empty if none is similar."""
    known = [setting.path for setting in schema.settings(Settings).values()]
    tables = {entry[:length] for entry in known for length in range(1, len(entry))}
    names = {".".join(entry): entry for entry in [*known, *sorted(tables)] if path[: len(entry)] != entry}
    table = schema.hint_at(Settings, path[:-1])
    fields = schema.fields(table) if schema.is_section(table) else ()
    siblings = {name: ".".join((*path[:-1], name)) for name, _, _ in fields}
    if close := difflib.get_close_matches(path[-1], siblings, n=1, cutoff=0.7):
        return siblings[close[0]]
    if elsewhere := [name for name, entry in names.items() if entry[-1] == path[-1]]:
        return elsewhere[0]
    close = difflib.get_close_matches(".".join(path), names, n=1, cutoff=0.75)
    alike = difflib.SequenceMatcher(None, path[-1], names[close[0]][-1]).ratio() if close else 0.0
    return close[0] if alike >= _LEAST_ALIKE else ""
