"""What is no assignment at all, and names that are none."""

import re

from speakerd.config import schema
from speakerd.config.settings import Settings
from speakerd.config.syntax.place import GENERAL, KEY, Found, Place
from speakerd.config.syntax.proposals import LONGEST_PROPOSAL, write
from speakerd.config.syntax.values import mended, without_comment

_COMMENTS = ("//", "/*", "*", "--", ";", "%", "!", "<!--", "REM ", "'")


def foreign_comment(place: Place) -> Found | None:
    """A comment as other languages begin it."""
    mark = next((mark for mark in _COMMENTS if place.head.startswith(mark)), None)
    if mark is None or (mark == "'" and place.split()):
        return None
    if mark == "--" and place.split():
        return None
    rest = place.head[len(mark) :].strip().removesuffix("*/").removesuffix("-->").strip()
    return Found(
        f"{mark.strip()} begins no comment in TOML",
        f"Write: # {rest}" if len(rest) < LONGEST_PROPOSAL else "Begin it with #",
    )


def other_language(place: Place) -> Found | None:
    """JSON, XML or YAML, and brackets that stand alone."""
    head = place.head
    if head.startswith("{"):
        cure = "Write [audio] on a line, and below it volume = 60; without braces, commas and colons."
        return Found("this looks like JSON", cure, closed=False)
    if head.startswith("<"):
        return Found("this looks like XML or HTML", GENERAL, closed=False)
    if re.match(r"-\s", head):
        cure = 'Write a list in brackets: argv = ["/bin/true", "x"]; each command begins with [[tools.commands]].'
        return Found("this looks like a list of YAML", cure, closed=False)
    if head in {"}", "},", "]", "],", ")", "---", "...", "```", "```toml"}:
        return Found(
            f"{head} stands alone", "Delete this line; or close with it what is open above.", closed=False
        )
    return None


def no_equals(place: Place) -> Found | None:
    """A line without an equals sign: a colon instead, nothing at all, or prose."""
    if place.split() is not None:
        return None
    head, _ = without_comment(place.head)
    match = KEY.match(head)
    if match is None:
        return None
    name, rest = match[0], head[match.end() :].strip()
    path = (*place.statement.table, *name.replace(" ", "").split("."))
    at = place.start + match.end() + len(head[match.end() :]) - len(head[match.end() :].lstrip())
    if rest.startswith(":"):
        value = rest[1:].lstrip("=").strip()
        if not value:
            return Found(
                "a colon ends this name",
                write(place, f"[{name}]", remark="   (a table; its settings on the lines below)"),
                at,
                closed=False,
            )
        return Found("a colon stands where = belongs", write(place, f"{name} = {mended(place, value)}"), at)
    if not rest:
        if schema.is_section(schema.hint_at(Settings, tuple(name.split(".")))):
            return Found(
                f"{name} is a table, and stands here without brackets",
                write(place, f"[{name}]"),
                closed=False,
            )
        return Found(
            f"{name} has neither = nor a value", "Write = and a value after it; or put # before the line."
        )
    if schema.hint_at(Settings, path) is not None or re.match(r"""["'\[{\d+-]|(?:true|false)\b""", rest):
        return Found(
            f"= is missing between {name} and its value",
            write(place, f"{name} = {mended(place, rest.lstrip('>- '))}"),
            at,
        )
    return Found(
        "this line is neither a setting, nor a table, nor a comment", "Begin it with # to make it a comment."
    )


def unusable_name(place: Place) -> Found | None:
    """A name before the equals sign that is none, or another sign in its place."""
    split = place.split()
    if split is None:
        return None
    name, value, _ = split
    if KEY.fullmatch(name):
        if value[:1] and value[0] in "=>:":
            return Found(
                f"={value[0]} stands where = belongs",
                write(place, f"{name} = {mended(place, value.lstrip('=>: '))}"),
            )
        return None
    if not name:
        return Found("there is no name before =", "Write the name of the setting before it: volume = 60")
    value = mended(place, value)
    if name[-1] in ":+-*?|" and KEY.fullmatch(name[:-1].rstrip()):
        return Found(f"{name[-1]}= stands where = belongs", write(place, f"{name[:-1].rstrip()} = {value}"))
    if ":" in name and (match := KEY.match(name)) and name[match.end() :].lstrip().startswith(":"):
        whole = mended(place, place.head[match.end() :].lstrip().removeprefix(":").strip())
        return Found(
            "a colon stands where = belongs",
            write(place, f"{match[0]} = {whole}"),
            place.start + match.end(),
        )
    if re.search(r"^\.|\.$|\.\s*\.", name):
        meant = re.sub(r"\.+", ".", re.sub(r"\s", "", name)).strip(".")
        return Found("a dot of this name has nothing beside it", write(place, f"{meant} = {value}"))
    if name.count('"') % 2 or name.count("'") % 2:
        return Found(
            "a quotation mark of this name has no other",
            write(place, f"{name.strip(chr(34) + chr(39))} = {value}"),
        )
    words = name.split()
    if len(words) > 1:
        meant = "_".join(words[1:] if words[0] in {"set", "let", "export", "var", "const", "$"} else words)
        cure = write(place, f"{meant} = {value}", "Names have no spaces; _ is common.")
        return Found(f"there is a space in the name {name!r}", cure)
    bad = next((char for char in name if not re.match(r"[A-Za-z0-9_.-]", char)), "")
    meant = re.sub(r"[^A-Za-z0-9_.-]+", "", words[0])
    cure = (
        "A name is made of the letters a to z, digits, _ and -; `speakerd check --defaults` prints all names."
    )
    plain = meant if schema.hint_at(Settings, (*place.statement.table, *meant.split("."))) is not None else ""
    return Found(
        f"{bad} cannot be in a name",
        write(place, f"{plain} = {value}", cure) if plain else cure,
        place.start + place.head.find(bad),
    )
