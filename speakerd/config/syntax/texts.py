"""Texts in quotes, what stands after a value, and values that are missing."""

import re

from speakerd.config.syntax.place import BLOCK, KEY, STRING, Cure, Found, Place, line_end, shown
from speakerd.config.syntax.proposals import LONGEST_PROPOSAL, assign, is_toml, quoted
from speakerd.config.syntax.values import allowed_here, listed, text_meant, without_comment

_NAMES = {",": "a comma", ";": "a semicolon", ".": "a point", "%": "a percent sign"}


def missing_value(place: Place) -> Found | None:
    """Nothing after the equals sign, or a colour, which begins a comment."""
    split = place.split()
    if split is None:
        return None
    _, value, at = split
    if re.match(r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?(?![0-9A-Za-z])", value):
        word, _, rest = value.partition(" ")
        return Found(
            "begins a comment here, so nothing stands after =",
            assign(place, f'"{word}" {rest}'),
            at,
            piece=word,
        )
    if not value or value.startswith("#"):
        allowed = allowed_here(place)
        empty = 'for an empty text ""; ' if allowed.endswith("a text in quotes") else ""
        cure = f"Write a value; {empty}or put # before the line, and the default counts."
        return Found("nothing stands after =", cure, at)
    return None


def block_text(place: Place) -> Found | None:
    """A text of several lines: not closed, or followed by something."""
    split = place.split()
    if split is None or not split[1].startswith(('"""', "'''")):
        return None
    _, value, at = split
    mark = value[:3]
    match = BLOCK.match(place.text, at)
    if match is None:
        return Found(
            f"this text begins with {mark} and is never closed",
            f"Write {mark} on a line of its own where the text ends.",
            at,
            closed=False,
        )
    if found := unknown_escape(place):
        return found
    last = line_end(place.text, match.end())
    rest = place.text[match.end() : last].strip()
    if not rest or rest.startswith("#"):
        return None
    if mark in rest and "\n" not in match[0]:
        whole, tail = place.text[at + 3 : last].rpartition(mark)[::2]
        return Found(
            f"a {mark} within the text ends it",
            assign(place, f"{quoted(whole)}{tail}", f"Write it so that {mark} stands at its two ends only."),
            match.end() - 3,
        )
    after = last - len(place.text[match.end() : last].lstrip())
    cure = f"Delete it, or move it before the {mark} if it is of the text; a comment begins with #."
    return Found("stands after the end of a text", cure, after, piece=shown(rest), upto=last + 1)


def unknown_escape(place: Place) -> Found | None:
    """A backslash in a text that TOML has no meaning for."""
    if (
        "Unescaped '\\'" not in place.message
        and "hex value" not in place.message
        and "scalar value" not in place.message
    ):
        return None
    split = place.split()
    value = split[1] if split else ""
    match = STRING.match(value)
    cure: Cure | str = "Write each backslash twice: \\\\"
    if match and value.startswith('"') and "'" not in match[0]:
        cure = assign(
            place,
            f"'{match[0][1:-1]}'{value[match.end() :]}",
            "Write each backslash twice: \\\\",
            "   (in single quotes a backslash is only itself)",
        )
    if match is None and value.startswith('"') and "'" not in value and value.endswith('\\"'):
        cure = assign(
            place,
            f"'{value[1:-1]}'",
            "Write each backslash twice: \\\\",
            "   (in single quotes a backslash is only itself)",
        )
    at = max(place.text.rfind("\\", 0, place.offset), place.start)
    if "scalar value" in place.message:
        return Found("is no character", cure, at, piece=place.text[at : place.offset])
    return Found('in "..." a backslash begins a code, and this is none', cure, at)


def quoted_text(place: Place) -> Found | None:
    """A text of one line: a quotation mark that is missing, another one, or one too many."""
    split = place.split()
    if split is None or split[1][:1] not in {'"', "'"}:
        return None
    _, value, at = split
    if found := unknown_escape(place):
        return found
    mark = value[0]
    string = STRING.match(value)
    if string is None:
        bare, comment = without_comment(value[1:])
        if mark == '"' and re.search(r'\\"\s*$', bare):
            body = bare.rstrip()[:-1]
            return Found(
                "the backslash before the last quotation mark takes it into the text",
                assign(place, f"'{body}'{comment}"),
                at + value.rfind("\\"),
            )
        if bare.endswith(("'", '"')):
            inner = bare[:-1]
            return Found(
                f"a text that begins with {mark} ends with {bare[-1]}",
                assign(place, f"{text_meant(place, inner)}{comment}"),
                at + len(bare),
            )
        following = place.text[line_end(place.text, at) + 1 :].split("\n")[:20]
        ends = next((index for index, line in enumerate(following) if line.rstrip().endswith(mark)), None)
        if ends is not None and not any(
            re.match(r"\s*(?:\[|[A-Za-z0-9_.-]+\s*=|$)", line) for line in following[: ends + 1]
        ):
            return _over_lines(place, mark, at, [value, *following[: ends + 1]])
        return Found(
            "the quotation mark at the end is missing",
            assign(place, f"{text_meant(place, bare.rstrip())}{comment}"),
            at + len(bare.rstrip()) + 1,
        )
    rest = value[string.end() :].strip()
    if rest and not rest.startswith("#"):
        last = value.rfind(mark)
        inner = value[1:last]
        if (
            not rest.startswith(("#", ";", ",", "/", "-"))
            and last > string.end()
            and not re.match(r"[A-Za-z_.]+\s*=", rest)
        ):
            proposed = f"{quoted(inner)}{value[last + 1 :]}"
            return Found(f"a {mark} within the text ends it", assign(place, proposed), at + string.end() - 1)
        return after_value(
            place, value[: string.end()], rest, at + len(value) - len(value[string.end() :].lstrip())
        )
    return None


def _over_lines(place: Place, mark: str, at: int, lines: list[str]) -> Found:
    """A text of several lines that has one quotation mark at each end, and needs three."""
    end = at + sum(len(line) + 1 for line in lines) - 1
    body = "\n".join(lines).rstrip()[1:-1]
    whole = f"{place.name} = {mark * 3}{body}{mark * 3}"
    cure: Cure | str = f"A text of several lines has three quotation marks at each end: {mark * 3}"
    if len(whole) < LONGEST_PROPOSAL and is_toml(whole):
        cure = Cure("", tuple(whole.split("\n")), end)
    return Found("a text of several lines has three quotation marks at each end", cure, at, closed=False)


def after_value(place: Place, value: str, rest: str, at: int) -> Found:
    """Explain what stands after a complete value."""
    if re.match(r"[;,.%]\s*(?:#|$)", rest):
        return Found(
            f"{_NAMES[rest[0]]} stands at the end of the line",
            assign(place, value + rest[1:].rstrip(), f"Delete {rest[0]}"),
            at,
        )
    if mark := next((mark for mark in ("//", "/*", "--", ";", "(", "<!--") if rest.startswith(mark)), None):
        words = rest[len(mark) :].strip().removesuffix("*/").removesuffix(")").removesuffix("-->").strip()
        return Found(f"a comment begins with #, not with {mark}", assign(place, f"{value}   # {words}"), at)
    if KEY.match(rest.lstrip(",; ")) and "=" in rest:
        other = rest.lstrip(",; ")[:60]
        return Found(
            "two settings stand on one line", f"Put  {other}  on a line of its own.", at, of_value=False
        )
    if rest.startswith(","):
        proposal = listed(place, f"{value}{rest}".split(","))
        return Found("there are several values, and no list", assign(place, proposal), at)
    return Found(
        "stands after the value",
        f"Delete it, or write # before it. The value is {value[:60]}",
        at,
        piece=shown(rest),
    )
