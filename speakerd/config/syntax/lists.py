"""Lists, and tables in braces."""

import re

from speakerd.config.syntax.place import STRING, Found, Place, line_end
from speakerd.config.syntax.proposals import assign, is_toml
from speakerd.config.syntax.texts import after_value, unknown_escape
from speakerd.config.syntax.values import mended, without_comment
from speakerd.config.toml_writer import toml_key


def broken_list(place: Place) -> Found | None:
    """A list that is not closed, or whose elements cannot be told apart."""
    split = place.split()
    if split is None or not split[1].startswith("["):
        return None
    _, value, at = split
    line, single = place.statement.line, "\n" not in place.raw
    if found := unknown_escape(place):
        return found
    bare, comment = without_comment(value)
    if single and "]" in bare:
        end = bare.rindex("]") + 1
        rest = bare[end:].strip()
        if is_toml(f"x = {bare[:end]}") and rest:
            return after_value(place, bare[:end], rest, at + end)
        whole = _mended_list(place, bare)
        if bare.count("[") > bare.count("]"):
            return Found(
                "the [ of this list is not closed", assign(place, f"{bare}]{comment}", "Close it with ]"), at
            )
        if bare.count("]") > bare.count("["):
            return Found(
                "there are more ] than [", assign(place, bare[: bare.index("]") + 1] + comment), place.offset
            )
        if ";" in bare and is_toml(f"x = {bare.replace(';', ',')}"):
            return Found(
                "semicolons stand where commas belong",
                assign(place, bare.replace(";", ",") + comment),
                at + bare.index(";"),
            )
        if whole:
            words = (
                "a comma is missing in this list"
                if re.sub(r"[\s,]", "", whole) == re.sub(r"[\s,]", "", bare)
                else "an element of this list cannot be read"
            )
            return Found(words, assign(place, whole + comment), place.offset)
        cure = 'Commas stand between its elements, and texts in quotes: ["one", "two"].'
        return Found("this list cannot be read", cure, place.offset)
    before = place.text[at : place.offset]
    depth = 0
    for token in re.finditer(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]]', before):
        depth += {"[": 1, "]": -1}.get(token[0], 0)
    here = place.text[place.text.rfind("\n", 0, place.offset) + 1 : line_end(place.text, place.offset)]
    swallowed = (
        re.match(r"\s*(?:\[\[?[\w.]+\]|[A-Za-z0-9_.-]+\s*=)", here)
        and place.text.count("\n", 0, place.offset) + 1 > line
    )
    ended = place.offset >= len(place.text.rstrip())
    if depth > 0 and (swallowed or ended or single):
        return Found(
            "the [ of this list is not closed",
            assign(place, f"{bare.rstrip(', ')}]{comment}", "Close it with ] where it ends."),
            at,
            closed=False,
        )
    if place.message.startswith("Unclosed array"):
        return Found(
            "an element of this list is not followed by a comma",
            "Put a comma between every two of its elements.",
            place.offset,
            closed=False,
        )
    return None


def _mended_list(place: Place, value: str) -> str:
    """Return the list with its elements in quotes and commas between them; empty if that is not TOML."""
    inside = value[value.index("[") + 1 : value.rindex("]")]
    if inside.count('"') % 2 or inside.count("'") % 2:
        return ""
    parts = re.findall(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|[^\s,;"\']+', inside)
    joined = "[" + ", ".join(part if is_toml(f"x = {part}") else mended(place, part) for part in parts) + "]"
    return joined if is_toml(f"x = {joined}") else ""


def broken_braces(place: Place) -> Found | None:
    """A table in braces that goes over several lines, or is written as in JSON."""
    split = place.split()
    if split is None or not split[1].startswith("{"):
        return None
    _, value, at = split
    table = ".".join(map(toml_key, place.statement.path))
    if "\n" in place.raw and "}" not in STRING.sub("", value):
        return Found(
            "a table in braces must stand on one line",
            f"Write [{table}] on a line, and below it its settings, a line each.",
            at,
            closed=False,
        )
    if "}" not in value:
        return Found(
            "the { of this table is not closed",
            assign(place, f"{value.rstrip(', ')} }}", "Close it with }"),
            at,
            closed=False,
        )
    if re.search(r",\s*\}", value):
        return Found(
            "a comma stands before the closing }",
            assign(place, re.sub(r",\s*\}", " }", value)),
            at + value.rindex(","),
        )
    swapped = re.sub(r'("[^"]*"|[\w-]+)\s*:\s*', r"\1 = ", value)
    if swapped != value and is_toml(f"x = {swapped}"):
        return Found("a colon stands where = belongs", assign(place, swapped), at + value.index(":"))
    cure = f"Write [{table}] on a line, and below it its settings, a line each."
    if not re.search(r"=", value[1:]):
        listed = assign(place, "[" + value[1 : value.rindex("}")].strip() + "]", cure)
        return Found("braces hold names with their values, and there is no =", listed, at)
    return Found("these braces cannot be read", cure, place.offset)
