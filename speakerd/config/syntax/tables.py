"""Headers of tables that cannot be read, and what is there twice."""

import re

from speakerd.config import schema
from speakerd.config.line_numbers import locate
from speakerd.config.settings import Settings
from speakerd.config.syntax.place import KEY, Found, Place
from speakerd.config.syntax.proposals import write
from speakerd.config.toml_writer import toml_key


def duplicate(place: Place) -> Found | None:
    """A setting or a table that is there twice. After a table nothing more is read: it would go into another."""
    found = _twice(place)
    if found is None or place.statement.key:
        return found
    return Found(found.what, found.cure, closed=False)


def _twice(place: Place) -> Found | None:
    said = place.message
    if not (said.startswith(("Cannot declare", "Cannot overwrite", "Cannot mutate", "Duplicate inline"))):
        return None
    if said.startswith("Duplicate inline"):
        return Found("a name stands twice in these braces", "Delete one of the two.")
    statement = place.statement
    places = locate(place.text[: place.start])
    header = statement.array or statement.path
    if place.head.startswith("["):
        header = tuple(part for part in header if not part.isdigit())
    path = statement.path if statement.key else header
    first = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in places), ())
    line = places.get(first)
    name = ".".join(map(toml_key, path))
    where = f" in line {line}" if line else ""
    if statement.key:
        if first == path:
            what = f"{name} was set already{where}"
            return Found(what, "Delete one of the two lines: a setting has one value.")
        what = f"{'.'.join(map(toml_key, first))} was given a value{where}, and cannot be a table too"
        return Found(what, f"Delete line {line}, or this one.")
    begins = place.text.split("\n")[line - 1].lstrip() if line else ""
    if begins.startswith("[[") and not place.head.startswith("[["):
        what = f"{name} was begun as a list of tables{where}"
        if schema.is_section(schema.hint_at(Settings, path)):
            return Found(what, f"Write [{name}] with one bracket in line {line}, and delete this line.")
        return Found(what, f"Write [[{name}]] with two brackets: each begins another one.")
    if re.match(r"[\w.]+\s*=\s*\[\s*\]", begins):
        return Found(f"{name} was set to an empty list already{where}", f"Delete line {line}: {begins}")
    if place.head.startswith("[["):
        what = f"{name} was begun as a single table{where}"
        return Found(what, f"Write [[{name}]] with two brackets in line {line} too.")
    if begins.startswith("["):
        what = f"the table [{name}] was begun already{where}"
        return Found(
            what, f"Move the lines below this one up into the table of line {line}, and delete this line."
        )
    what = f"{'.'.join(map(toml_key, first))} was set already{where}, and cannot be begun again as a table"
    return Found(what, f"Keep one of the two: line {line}, or this table.")


def broken_header(place: Place) -> Found | None:
    """The header of a table: its brackets, its name, and what stands after it."""
    head = place.head
    if not head.startswith("["):
        return None
    double = head.startswith("[[")
    inside = head[2 if double else 1 :]
    name, closing, rest = inside.partition("]")
    name = name.strip()
    after = rest.removeprefix("]").strip() if double else rest.strip()
    opened, closed = ("[[", "]]") if double else ("[", "]")
    if not closing:
        bare = re.split(r"[\s#=]", name)[0]
        if "=" in name and (split := place.split()):
            return Found(
                "a bracket stands before a setting",
                write(place, f"{split[0].lstrip('[ ')} = {split[1]}"),
                closed=False,
            )
        return Found(
            f"the {opened} of a table is not closed",
            write(place, f"{opened}{bare}{closed}", f"Close it with {closed}"),
            closed=False,
        )
    if double and not rest.startswith("]"):
        known = schema.hint_at(Settings, tuple(name.split(".")))
        single = schema.is_section(known)
        meant = f"[{name}]" if single else f"[[{name}]]"
        return Found(
            "two brackets open this table, and one closes it",
            write(place, meant, "Close it with ]]"),
            closed=False,
        )
    if not double and rest.startswith("]"):
        return Found(
            "one bracket opens this table, and two close it", write(place, f"[{name}]"), closed=False
        )
    if not name:
        return Found("a table has no name", "Write it between the brackets, as in [audio].", closed=False)
    if not KEY.fullmatch(name):
        meant = re.sub(r"\s*[/:\\>]\s*|\.+|\s+", ".", name.strip("./:")) if KEY.search(name) else ""
        fits = [
            part
            for part in (meant, meant.replace(".", "_"))
            if schema.hint_at(Settings, tuple(part.split("."))) is not None
        ]
        proposal = f"{opened}{(fits or [meant])[0]}{closed}"
        return Found(
            f"{name!r} is no name of a table",
            write(place, proposal, "Names are made of letters, digits, _ and -, with dots between."),
            closed=False,
        )
    if after and not after.startswith("#"):
        own = write(place, f"{opened}{name}{closed}", f"Write {opened}{name}{closed}")
        if after.startswith(("//", "--", "/*")):
            return Found(
                f"{after[:2]} begins no comment in TOML",
                write(place, f"{opened}{name}{closed}   # {after[2:].strip()}"),
                closed=False,
            )
        if KEY.match(after) and "=" in after:
            return Found(
                "a setting stands on the line of its table",
                f"Put  {after[:60]}  on a line of its own, below {opened}{name}{closed}.",
                closed=False,
            )
        return Found(f"{after[:20]!r} stands after the name of a table", own, closed=False)
    return None
