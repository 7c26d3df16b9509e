"""Texts in quotes, what stands after a value, and values that are missing."""

import json
import re

from speakerd.config.syntax.place import BLOCK, KEY, STRING, Found, Place, line_end
from speakerd.config.syntax.proposals import assign, quoted
from speakerd.config.syntax.values import mended, without_comment


def missing_value(place: Place) -> Found | None:
    """Nothing after the equals sign, or a colour, which begins a comment."""
    split = place.split()
    if split is None:
        return None
    _, value, at = split
    if re.match(r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?(?![0-9A-Za-z])", value):
        word, _, rest = value.partition(" ")
        return Found(
            f"{word} begins a comment here, so nothing stands after =", assign(place, f'"{word}" {rest}'), at
        )
    if not value or value.startswith("#"):
        cure = 'Write a value; for an empty text ""; or put # before the line, and the default counts.'
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
    rest = place.text[match.end() : line_end(place.text, match.end())].strip()
    if rest and not rest.startswith("#"):
        return Found(
            f"{rest[:20]!r} stands after the end of a text",
            f"Delete it; or {mark} ends the text too early.",
            match.end(),
        )
    return None


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
    cure = "Write each backslash twice: \\\\"
    if match and value.startswith('"') and "'" not in match[0]:
        cure = assign(
            place,
            f"'{match[0][1:-1]}'{value[match.end() :]}",
            cure,
            "   (in single quotes a backslash is only itself)",
        )
    if match is None and value.startswith('"') and "'" not in value and value.endswith('\\"'):
        cure = assign(place, f"'{value[1:-1]}'", cure, "   (in single quotes a backslash is only itself)")
    at = place.text.rfind("\\", 0, place.offset)
    return Found("a backslash has a meaning in a text, and this one has none", cure, max(at, place.start))


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
                assign(place, f"{quoted(inner)}{comment}"),
                at,
            )
        following = place.text[line_end(place.text, at) + 1 :].split("\n")[:20]
        ends = next((index for index, line in enumerate(following) if line.rstrip().endswith(mark)), None)
        if ends is not None and not any(
            re.match(r"\s*(?:\[|[A-Za-z0-9_.-]+\s*=|$)", line) for line in following[: ends + 1]
        ):
            cure = f"A text of several lines has three at each end: {place.name} = {mark * 3} ... {mark * 3}"
            return Found("this text goes on over the end of the line", cure, at, closed=False)
        return Found(
            "the quotation mark at the end is missing",
            assign(place, f"{quoted(bare.rstrip())}{comment}"),
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
            other = "'" if mark == '"' and "'" not in inner else '"'
            tail = value[last + 1 :]
            proposed = (
                f"{other}{inner}{other}{tail}"
                if other not in inner
                else f"{json.dumps(inner, ensure_ascii=False)}{tail}"
            )
            return Found(f"a {mark} within the text ends it", assign(place, proposed), at + string.end() - 1)
        return after_value(
            place, value[: string.end()], rest, at + len(value) - len(value[string.end() :].lstrip())
        )
    return None


def after_value(place: Place, value: str, rest: str, at: int) -> Found:
    """Explain what stands after a complete value."""
    if rest.rstrip() in {";", ",", ".", "%"} or re.match(r"[;,]\s*#", rest):
        return Found(
            f"{rest[0]} stands at the end of the line",
            assign(place, value + rest[1:].rstrip(), f"Delete {rest[0]}"),
            at,
        )
    if mark := next((mark for mark in ("//", "/*", "--", ";", "(", "<!--") if rest.startswith(mark)), None):
        words = rest[len(mark) :].strip().removesuffix("*/").removesuffix(")").strip()
        return Found(f"{mark} begins no comment in TOML", assign(place, f"{value}   # {words}"), at)
    if KEY.match(rest.lstrip(",; ")) and "=" in rest:
        return Found(
            "two settings stand on one line", f"Put  {rest.lstrip(',; ')[:60]}  on a line of its own.", at
        )
    if rest.startswith(","):
        listed = ", ".join(mended(place, part.strip()) for part in f"{value}{rest}".split(","))
        return Found("there are several values, and no list", assign(place, f"[{listed}]"), at)
    return Found(
        f"{rest[:20]!r} stands after the value",
        f"Delete it; a comment begins with #. The value is {value[:60]}",
        at,
    )
