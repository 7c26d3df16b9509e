"""What is no assignment at all, and names that are none."""

import json
import re
import tomllib
from typing import Any

from speakerd.config import schema
from speakerd.config.settings import Settings
from speakerd.config.syntax.place import GENERAL, KEY, Cure, Found, Place, line_end, shown
from speakerd.config.syntax.proposals import LONGEST_PROPOSAL, fits, is_toml, write
from speakerd.config.syntax.values import mended, without_comment
from speakerd.config.toml_writer import toml_key, toml_value

_COMMENTS = ("//", "/*", "*", "--", ";", "%", "!", "<!--", "REM ", "'")


def foreign_comment(place: Place) -> Found | None:
    """A comment as other languages begin it."""
    mark = next((mark for mark in _COMMENTS if place.head.startswith(mark)), None)
    if mark is None or (mark == "'" and place.split()):
        return None
    if mark == "--" and place.split():
        return None
    rest = place.head[len(mark) :].strip().removesuffix("*/").removesuffix("-->").strip()
    if not rest:
        cure: Cure | str = "Delete this line."
    else:
        cure = Cure("", (f"# {rest}",)) if len(rest) < LONGEST_PROPOSAL else "Begin it with #"
    return Found(f"a comment begins with #, not with {mark.strip()}", cure)


def other_language(place: Place) -> Found | None:
    """JSON, XML or YAML, and brackets that stand alone."""
    head = place.head
    if head.startswith("{"):
        return _json(place)
    if head.startswith("<"):
        name = re.match(r"<\s*([\w.]+)\s*>", head)
        table = name is not None and schema.is_section(schema.hint_at(Settings, name[1].split(".")))
        xml = write(place, f"[{name[1]}]") if name and table else GENERAL
        return Found("this looks like XML or HTML", xml, closed=False)
    if re.match(r"-\s", head):
        return _yaml_list(place)
    if head in {"}", "},", "]", "],", ")", "---", "...", "```", "```toml", '""', '"""', "''", "'''"}:
        return Found(
            f"{head} stands alone", "Delete this line; or close with it what is open above.", closed=False
        )
    return None


def _json(place: Place) -> Found:
    """A whole file of JSON: what is in it as TOML, if it is short."""
    text = place.text[place.start :].strip()
    try:
        data: Any = json.loads(text) if len(text) < LONGEST_PROPOSAL else None
    except (ValueError, RecursionError):
        data = None
    cure: Cure | str = (
        "Write [NAME] for each table, and below it  NAME = VALUE  for each setting, a line each."
    )
    if isinstance(data, dict) and data:
        lines = list(_as_lines(data))
        if is_toml("\n".join(lines)):
            cure = Cure("", tuple(lines), line_end(place.text, place.start + len(text) - 1))
    return Found("this looks like JSON", cure, closed=False)


def _as_lines(data: dict[str, Any], above: str = "") -> list[str]:
    """Return a table as lines, its settings before its tables."""
    lines: list[str] = []
    for name, value in data.items():
        if not isinstance(value, dict) and value is not None:
            lines.append(f"{toml_key(name)} = {toml_value(value)}")
    for name, value in data.items():
        if isinstance(value, dict):
            path = f"{above}{toml_key(name)}"
            lines += [f"[{path}]", *_as_lines(value, f"{path}.")]
    return lines


def _yaml_list(place: Place) -> Found:
    """An element of a list as YAML has it: that of a list of tables, if one alone has such settings."""
    name, _, value = place.head[1:].partition(":")
    line = f"{name.strip()} = {mended(place, value.strip())}"
    what = "this looks like a list of YAML"
    if is_toml(line):
        for setting in schema.settings(Settings).values():
            hint = schema.hint_at(setting.element, (name.strip(),)) if setting.element else None
            if hint is not None and fits(hint, tomllib.loads(line)[name.strip()]):
                return Found(what, Cure("", (f"[[{setting.key}]]", line)), closed=False)
    cure = 'Write a list in brackets: NAME = ["one", "two"]; each command begins with [[tools.commands]].'
    return Found(what, cure, closed=False)


def no_equals(place: Place) -> Found | None:
    """A line without an equals sign: a colon instead, nothing at all, or prose."""
    if place.split() is not None:
        return None
    head, comment = without_comment(place.head)
    match = KEY.match(head)
    if match is None:
        return None
    name, rest = match[0], head[match.end() :].strip()
    path = (*place.table, *name.replace(" ", "").split("."))
    at = place.start + match.end() + len(head[match.end() :]) - len(head[match.end() :].lstrip())
    if rest.startswith(":"):
        value = rest[1:].lstrip("=").strip()
        if not value:
            remark = "   (its settings on the lines below)"
            return Found("a colon ends this name", write(place, f"[{name}]", remark=remark), at, closed=False)
        return Found(
            "a colon stands where = belongs", write(place, f"{name} = {mended(place, value)}{comment}"), at
        )
    if not rest:
        if schema.is_section(schema.hint_at(Settings, tuple(name.split(".")))):
            return Found(
                f"{name} is a table, and stands without brackets",
                write(place, f"[{name}]"),
                closed=False,
            )
        return Found(
            "has neither = nor a value",
            "Write = and a value after it; or put # before the line.",
            piece=name,
        )
    if schema.hint_at(Settings, path) is not None or re.match(r"""["'\[{\d+-]|(?:true|false)\b""", rest):
        return Found(
            f"= is missing between {name} and its value",
            write(place, f"{name} = {mended(place, rest.lstrip('>- '))}{comment}"),
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
    name, value, at = split
    sign = place.text.rindex("=", place.start, at)
    if KEY.fullmatch(name):
        if value[:1] and value[0] in "=>:":
            return Found(
                f"={value[0]} stands where = belongs",
                write(place, f"{name} = {mended(place, value.lstrip('=>: '))}"),
                sign,
            )
        return None
    if not name:
        return Found(
            "there is no name before =", f"Write the name of a setting before it: NAME {place.head[:60]}"
        )
    value = mended(place, value)
    if name[-1] in ":+-*?|" and KEY.fullmatch(name[:-1].rstrip()):
        return Found(
            f"{name[-1]}= stands where = belongs", write(place, f"{name[:-1].rstrip()} = {value}"), sign - 1
        )
    if ":" in name and (match := KEY.match(name)) and name[match.end() :].lstrip().startswith(":"):
        whole = mended(place, place.head[match.end() :].lstrip().removeprefix(":").strip())
        return Found(
            "a colon stands where = belongs",
            write(place, f"{match[0]} = {whole}"),
            place.start + match.end(),
        )
    if re.search(r"^\.|\.$|\.\s*\.", name):
        meant = re.sub(r"\.+", ".", re.sub(r"\s", "", name)).strip(".")
        where = "begins with a dot" if name[0] == "." else "ends with a dot"
        what = f"the name {where if '.' in name[0] + name[-1] else 'has two dots in a row'}"
        return Found(what, write(place, f"{meant} = {value}"))
    if name.count('"') % 2 or name.count("'") % 2:
        mark = '"' if name.count('"') % 2 else "'"
        where = "before" if name.startswith(mark) else "in"
        return Found(
            f"the {mark} {where} the name is not closed",
            write(place, f"{name.strip(chr(34) + chr(39))} = {value}"),
        )
    words = name.split()
    if len(words) > 1:
        meant = "_".join(words[1:] if words[0] in {"set", "let", "export", "var", "const", "$"} else words)
        proposal = write(place, f"{meant} = {value}", "Names have no spaces; _ is common.")
        return Found(
            "is no name: there is a space in it",
            proposal,
            place.start + place.head.index(words[0]) + len(words[0]),
            piece=shown(name, 60),
        )
    bad = next((char for char in name if not re.match(r"[A-Za-z0-9_.-]", char)), "")
    meant = re.sub(r"[^A-Za-z0-9_.-]+", "", words[0])
    cure = (
        "`speakerd check --defaults` prints all names. They are made of the letters a to z, digits, _ and -."
    )
    plain = meant if schema.hint_at(Settings, (*place.table, *meant.split("."))) is not None else ""
    return Found(
        "cannot be in a name",
        write(place, f"{plain} = {value}", cure) if plain else cure,
        place.start + place.head.find(bad),
        piece=bad,
    )
