"""Lists, and tables in braces."""

import re

from speakerd.config.syntax.place import KEY, STRING, Cure, Found, Place, line_end, shown
from speakerd.config.syntax.proposals import LONGEST_PROPOSAL, assign, is_toml, quoted
from speakerd.config.syntax.texts import after_value, unknown_escape
from speakerd.config.syntax.values import mended, without_comment
from speakerd.config.toml_writer import toml_key

_ELEMENT = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|[^\s,;"\']+')
_PART = re.compile(r"[^,;]+")
_PAIR = re.compile(rf"({KEY.pattern})\s*[=:]\s*({STRING.pattern}|[^\s,;{{}}\[\]\"']+)")
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]]')


def broken_list(place: Place) -> Found | None:
    """A list that is not closed, or whose elements cannot be told apart."""
    split = place.split()
    if split is None or not split[1].startswith("["):
        return None
    _, value, at = split
    if found := unknown_escape(place):
        return found
    bare, comment = without_comment(value)
    if "\n" not in place.raw and "]" in bare:
        return _on_one_line(place, bare, comment, at)
    return _not_closed(place, bare, comment, at)


def _on_one_line(place: Place, bare: str, comment: str, at: int) -> Found:
    end = _end_of_list(bare)
    rest = bare[end:].strip()
    if end and rest and not rest.startswith("]") and is_toml(f"x = {bare[:end]}"):
        after = at + len(bare) - len(bare[end:].lstrip())
        if rest.startswith("["):
            one = assign(place, f"[{bare[1:end].rstrip('] ')}, {rest[1:]}")
            cure = "Delete it, or write its elements into the list before it." if one.lines else "Delete it."
            return Found("stands after the list", cure, after, piece=shown(rest))
        return after_value(place, bare[:end], f"{rest}{comment}", after)
    if not end:
        proposal = assign(
            place, f"{bare}{']' * (bare.count('[') - bare.count(']'))}{comment}", "Close it with ]"
        )
        return Found("the [ of this list is not closed", proposal, at)
    if bare.count("]") > bare.count("["):
        return Found(
            "there are more ] than [",
            assign(place, f"{bare[:end]}{rest.lstrip('] ')}{comment}", "Delete one ]"),
            max(place.offset, at + end),
        )
    if ";" in bare and is_toml(f"x = {bare.replace(';', ',')}"):
        return Found(
            "semicolons stand where commas belong",
            assign(place, bare.replace(";", ",") + comment),
            at + bare.index(";"),
        )
    return _elements(place, bare, comment, at)


def _end_of_list(value: str) -> int:
    """Return where the list ends that the value begins with; 0 if it does not end."""
    depth = 0
    for token in _TOKEN.finditer(value):
        depth += {"[": 1, "]": -1}.get(token[0], 0)
        if token[0] == "]" and depth == 0:
            return token.end()
    return 0 if depth > 0 else len(value)


def _elements(place: Place, bare: str, comment: str, at: int) -> Found:
    """A list that is closed, and of which an element is none, or two have no comma between."""
    begin, end = bare.index("[") + 1, bare.rindex("]")
    inside = bare[begin:end]
    unpaired = inside.count('"') % 2 or inside.count("'") % 2
    general = 'Commas stand between its elements, and texts in quotes: ["one", "two"].'
    parts: list[str] = []
    first: Found | None = None
    for match in (_PART if unpaired else _ELEMENT).finditer(inside):
        part = match[0].strip()
        if not part:
            continue
        where = at + begin + match.start() + len(match[0]) - len(match[0].lstrip())
        whole = is_toml(f"x = {part}")
        parts.append(part if whole else mended(place, part))
        if not whole and first is None:
            lone = part[:1] in {'"', "'"} or part[-1:] in {'"', "'"}
            what = "has one quotation mark, and needs one at each end" if lone else "stands without quotes"
            if parts[-1] and parts[-1][0] not in {'"', "'"}:
                what = "cannot be read in this list"
            first = Found(what, general, where, piece=part[:20])
    joined = f"[{', '.join(parts)}]"
    if not all(parts) or not is_toml(f"x = {joined}"):
        return first or Found("this list cannot be read", general, place.offset)
    proposal = assign(place, joined + comment, general)
    if first is None:
        return Found("a comma is missing in this list", proposal, place.offset)
    return Found(first.what, proposal, first.at, piece=first.piece)


def _not_closed(place: Place, bare: str, comment: str, at: int) -> Found | None:
    """A list over several lines, or one without its ]."""
    before = place.text[at : place.offset]
    depth = sum({"[": 1, "]": -1}.get(token[0], 0) for token in _TOKEN.finditer(before))
    line_start = place.text.rfind("\n", 0, place.offset) + 1
    here = place.text[line_start : line_end(place.text, place.offset)]
    single = "\n" not in place.raw
    swallowed = re.match(r"\s*(?:\[\[?[\w.]+\]|[A-Za-z0-9_.-]+\s*=)", here) and line_start > at
    ended = place.offset >= len(place.text.rstrip())
    if depth > 0 and (swallowed or ended or single):
        upto = line_start if swallowed else place.offset
        inner = place.text[line_end(place.text, at) : upto].strip()
        proposal: Cure | str = "Write ] in a line of its own where it ends."
        if single or (bare.rstrip(" ,") != "[" and (not inner or (swallowed and inner.startswith("#")))):
            proposal = assign(
                place, f"{bare.rstrip(', ')}{']' * depth}{comment}", "Close it with ] where it ends."
            )
        elif swallowed:
            proposal = (
                f"Write ] in a line of its own before line {place.text.count(chr(10), 0, line_start) + 1}."
            )
        insert = (_last_element(place, at, line_start), "]" * depth) if swallowed else None
        return Found("the [ of this list is not closed", proposal, at, closed=False, insert=insert)
    if place.message.startswith("Unclosed array"):
        end = _last_element(place, at, place.offset)
        begin = place.text.rfind("\n", 0, end) + 1
        line = f"{place.text[begin:end]},{place.text[end : line_end(place.text, end)]}".strip()
        cure = f"Write a comma after it:  {line}"
        if "\n" not in place.text[end : place.offset] or len(line) > LONGEST_PROPOSAL:
            cure = "Write a comma between the two."
        return Found("a comma is missing after this element", cure, end, closed=False, insert=(end, ","))
    return None


def _last_element(place: Place, at: int, before: int) -> int:
    """Return where the last element ends that begins after `at` and before `before`, comments left out."""
    end = at
    for match in re.finditer(rf"{STRING.pattern}|#[^\n]*|[^\s#\"']+", place.text[at:before]):
        if not match[0].startswith("#"):
            end = at + match.end()
    return end


def broken_braces(place: Place) -> Found | None:
    """A table in braces that goes over several lines, or is written as in JSON."""
    split = place.split()
    if split is None or not split[1].startswith("{"):
        return None
    _, value, at = split
    table = ".".join(map(toml_key, place.statement.path))
    general = f"Write [{table}] on a line, and below it its settings, a line each."
    if "\n" in place.raw and "}" not in STRING.sub("", value):
        return _over_lines(place, general, at)
    bare, comment = without_comment(value)
    pairs = _pairs(bare)
    body = bare[1:].strip().removesuffix("}").strip()
    proposal = assign(place, f"{_braces(pairs, bare)}{comment}", general) if pairs else Cure(general)
    if repeated := _repeated(bare):
        return Found(
            "stands twice in these braces",
            "Keep one of the two, with a value that is allowed here.",
            at + repeated.start(1),
            piece=shown(repeated[1]),
        )
    if "}" not in bare:
        if not pairs:
            proposal = assign(place, f"{bare.rstrip(', ')}}}{comment}", "Close it with }")
        return Found("the { of this table is not closed", proposal, at, closed=False)
    if re.search(r",\s*\}", bare):
        return Found("a comma stands before the closing }", proposal, at + bare.rindex(","))
    if "=" not in bare:
        if pairs:
            return Found("a colon stands where = belongs, inside the braces", proposal, at + bare.index(":"))
        if re.fullmatch(KEY, body):
            cure = f"Write = and a value after it: {place.name} = {{ {body} = ... }}"
            return Found("a name stands in these braces without a value", cure, at + bare.index(body))
        return Found("a list stands in [ ], not in { }", assign(place, f"[{body}]{comment}", general), at)
    if pairs and ":" in STRING.sub(lambda match: "x" * len(match[0]), bare):
        return Found("a colon stands where = belongs, inside the braces", proposal, at + bare.index(":"))
    if pairs and _PAIR.search(bare, min(place.offset - at, len(bare))):
        return Found("a comma is missing here", proposal, place.offset)
    return Found("these braces cannot be read", proposal, place.offset)


def _over_lines(place: Place, general: str, at: int) -> Found:
    end = place.text.find("}", at)
    upto = line_end(place.text, max(end, at))
    value = place.text[at : end + 1] if at < end < at + len(place.raw) else ""
    pairs = "" if "#" in value or place.text[end + 1 : upto].strip() else _pairs(value)
    cure = assign(place, _braces(pairs, value), general, upto=upto) if pairs else general
    return Found("a table in braces must stand on one line", cure, at, closed=False)


def _pairs(value: str) -> str:
    """Return the names and values of a table in braces with commas between; "" if it has anything else."""
    inside = value[1:].rstrip().removesuffix("}")
    if re.sub(r"[\s,;]", "", _PAIR.sub("", inside)):
        return ""
    pairs = []
    for match in _PAIR.finditer(inside):
        name, item = match[1], match[2]
        pairs.append(f"{name} = {item if is_toml(f'x = {item}') else quoted(item)}")
    return ", ".join(pairs)


def _braces(pairs: str, value: str) -> str:
    return f"{{ {pairs} }}" if value[1:2].isspace() else f"{{{pairs}}}"


def _repeated(value: str) -> re.Match[str] | None:
    """Find the second of two equal names in braces."""
    names: set[str] = set()
    for match in _PAIR.finditer(value):
        name = match[1].strip("\"'")
        if name in names:
            return match
        names.add(name)
    return None
