"""Headers of tables that cannot be read, and what is there twice."""

import re
from dataclasses import replace
from typing import Any

from speakerd.config import schema
from speakerd.config.line_numbers import locate, statements
from speakerd.config.nearest import NO_SUCH_NAME, nearest
from speakerd.config.settings import Settings
from speakerd.config.syntax.place import KEY, Cure, Found, Place, line_end, shown
from speakerd.config.syntax.proposals import write
from speakerd.config.syntax.values import mended
from speakerd.config.toml_writer import toml_key

_HEADER = re.compile(r"^[ \t]*\[", re.MULTILINE)


def duplicate(place: Place) -> Found | None:
    """A setting or a table that is there twice. After a table, what is below it is passed over with it."""
    found = _twice(place)
    if found is None:
        return None
    return Found(*found, of_value=False, upto=None if place.statement.key else _next_header(place))


def _next_header(place: Place) -> int:
    following = _HEADER.search(place.text, line_end(place.text, place.start))
    return following.start() if following else len(place.text)


def _twice(place: Place) -> tuple[str, Cure | str] | None:
    """Return what is there twice, and what to do."""
    said = place.message
    if not said.startswith(("Cannot declare", "Cannot overwrite", "Cannot mutate")):
        return None
    statement = place.statement
    places = locate(place.text[: place.start])
    header = statement.array or statement.path
    if place.head.startswith("["):
        header = tuple(part for part in header if not part.isdigit())
    path = statement.path if statement.key else header
    first = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in places), ())
    line = places.get(first)
    where = f"in line {line}" if line else "above"
    other = ".".join(map(toml_key, first))
    if statement.key:
        if first == path:
            return f"already set {where}", "Delete one of the two lines: a setting has one value."
        return f"{other} has a value {where}, and cannot be a table too", f"Delete line {line}, or this one."
    name = ".".join(map(toml_key, path))
    begins = place.text.split("\n")[line - 1].lstrip() if line else ""
    if begins.startswith("[[") and not place.head.startswith("[["):
        what = f"begun as a list of tables {where}"
        if schema.is_section(schema.hint_at(Settings, path)):
            return what, f"Write [{name}] with one bracket in line {line}, and delete this line."
        return what, Cure("   (each begins another one)", (f"[[{name}]]",))
    if re.match(r"[\w.]+\s*=\s*\[\s*\]", begins):
        return f"already set to an empty list {where}", f"Delete line {line}: {begins}"
    if place.head.startswith("[["):
        if begins.startswith("["):
            what = f"begun as a single table {where}"
            return what, f"Write [[{name}]] with two brackets in line {line} too."
        return (
            f"{other} has a value {where}, and cannot be begun as a list",
            f"Delete line {line}, or this list.",
        )
    if begins.startswith("["):
        what = f"this table was begun {where} already"
        return what, f"Move the lines below this one up into the table of line {line}, and delete this line."
    assigned = any(each.path == first and each.key for each in statements(place.text[: place.start]))
    if assigned and schema.is_section(schema.hint_at(Settings, first)):
        what = f"{'this' if first == path else other} is a table, and has a value {where}"
        return what, f"Delete line {line}: {begins[:60]}"
    what = f"{'already' if first == path else f'{other} was'} set {where}, and cannot be begun again"
    return what, f"Keep one of the two: line {line}, or this table."


def broken_header(place: Place) -> Found | None:
    """The header of a table. What is below it is in no table that could be told, and is passed over with it."""
    found = _broken_header(place)
    return found and replace(found, upto=_next_header(place))


def _broken_header(place: Place) -> Found | None:
    """Return what is wrong with a header: its brackets, its name, and what stands after it."""
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
        return _open_header(place, name, opened, closed)
    end = place.start + head.index("]")
    bare = head.partition("#")[0].rstrip()
    if re.fullmatch(r"\[+[\w.-]+\][\w.-]+[\w.\]-]*\]", bare):
        meant = f"{opened}{bare.replace('[', '').replace(']', '')}{closed}"
        return Found("a ] stands inside the name", write(place, meant + head[len(bare) :]), end)
    if double and not rest.startswith("]"):
        table = f"[{name}]" if schema.is_section(_known(name)) else f"[[{name}]]"
        return Found(
            "two brackets open this table, and one closes it",
            write(place, f"{table}{rest}", "Close it with ]]"),
            end,
            of_value=False,
        )
    if not double and rest.startswith("]"):
        return Found(
            "one bracket opens this table, and two close it",
            write(place, f"[{name}]{rest[1:]}", "Write one bracket at each end."),
            end + 1,
            of_value=False,
        )
    if not name:
        return Found("a table has no name", "Write it between the brackets, as in [audio].")
    if not KEY.fullmatch(name):
        meant = re.sub(r"\s*[/:\\>]\s*|\.+|\s+", ".", name.strip("./:\"'")) if KEY.search(name) else ""
        known = [
            part
            for part in (meant, meant.replace(".", "_"))
            if schema.hint_at(Settings, tuple(part.split("."))) is not None
        ]
        comment = f"   {after}" if after.startswith("#") else ""
        proposal = "" if after and not comment else f"{opened}{(known or [meant])[0]}{closed}{comment}"
        return Found(
            "is no name of a table",
            write(place, proposal, "Names are made of letters, digits, _ and -, with dots between."),
            piece=shown(name, 60),
        )
    return _after_header(place, f"{opened}{name}{closed}", after)


def _open_header(place: Place, name: str, opened: str, closed: str) -> Found:
    """A header without its closing bracket."""
    bare, _, rest = name.partition("#")
    bare = bare.strip()
    comment = f"   # {rest.strip()}" if rest.strip() else ""
    if not bare:
        general = f"Write the name of a table between {opened} and {closed}, or delete this line."
        return Found(f"{opened} stands alone", general)
    if "=" in bare and (split := place.split()):
        line = f"{split[0].lstrip('[ ')} = {split[1]}"
        return Found("a bracket stands before a setting", write(place, line))
    words = bare.split()
    cure: Cure | str
    if len(words) > 1 and KEY.fullmatch(words[0]) and not schema.is_section(_known("_".join(words))):
        cure = f"Write {opened}{words[0]}{closed}, and what follows on a line of its own."
    else:
        fitting = next((each for each in (".".join(words), "_".join(words)) if _known(each)), bare)
        cure = write(place, f"{opened}{fitting}{closed}{comment}", f"Close it with {closed}")
    return Found(f"the {opened} of a table is not closed", cure, of_value=False)


def _known(name: str) -> Any:
    return schema.hint_at(Settings, tuple(name.split(".")))


def _after_header(place: Place, header: str, after: str) -> Found | None:
    """Something that stands behind the header of a table."""
    if not after or after.startswith("#"):
        return None
    at = place.start + place.head.rindex(after)
    cure: Cure | str
    if mark := next(
        (mark for mark in ("//", "--", "/*", ";") if after.startswith(mark) and after != mark), None
    ):
        words = after[len(mark) :].strip().removesuffix("*/").strip()
        return Found(
            f"a comment begins with #, not with {mark}",
            write(place, f"{header}   # {words}"),
            at,
            of_value=False,
        )
    if (setting := KEY.match(after)) and "=" in after:
        cure = _on_own_line(place, header, setting[0], after.partition("=")[2].strip())
        return Found("a setting stands on the line of its table", cure, at)
    if after in {";", ",", ":", ".", "{", "="}:
        cure = write(place, header, f"Write {header}")
    else:
        cure = f"Delete it, or write # before it: {header}   # {after[:60]}"
    return Found("stands after the name of a table", cure, at, piece=shown(after), of_value=False)


def _on_own_line(place: Place, header: str, name: str, value: str) -> Cure:
    """Return what to do about a setting that stands on the line of its table."""
    table, key = (
        tuple(part.strip(" \"'") for part in each.split(".")) for each in (header.strip("[ ]"), name)
    )
    here = replace(place, statement=replace(place.statement, table=table, key=key), table=table)
    words = f"Put  {name} = {value[:40]}  on a line of its own, below {header}."
    if schema.hint_at(Settings, table) is not None and schema.hint_at(Settings, (*table, *key)) is None:
        near = nearest((*table, *key))
        meant = f"Did you mean {near}?" if near else NO_SUCH_NAME
        return Cure(f"{words} There is no setting {'.'.join(table)}.{name}. {meant}")
    cure = write(here, f"{name} = {mended(here, value)}")
    if not cure.lines:
        return Cure(
            f"{words} {cure.words} Allowed: {schema.allowed(schema.hint_at(Settings, (*table, *key)))}."
        )
    return Cure("", (header, *cure.lines))
