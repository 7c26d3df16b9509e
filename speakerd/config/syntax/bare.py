"""Values without quotes and brackets."""

import re

from speakerd.config.syntax.place import Found, Place
from speakerd.config.syntax.proposals import assign, is_toml, quoted
from speakerd.config.syntax.texts import after_value
from speakerd.config.syntax.values import (
    UNIT,
    Meant,
    constant_meant,
    listed,
    meant_by,
    no_value,
    suits,
    takes_list,
    text_meant,
    without_comment,
)


def bare_value(place: Place) -> Found | None:
    """A value without quotes: a word of another language, a number that is none, or a text."""
    split = place.split()
    if split is None:
        return None
    _, value, at = split
    bare, comment = without_comment(value)
    bare = bare.strip()
    if found := _after_complete(place, value, bare, at):
        return found
    if meant := constant_meant(place, bare.rstrip(";,")) or meant_by(place, bare.rstrip(";")):
        return _as_found(place, meant, comment, at)
    if bare.startswith("(") or (bare.count(",") and " = " not in bare and takes_list(place)):
        return _list_meant(place, bare, comment, at)
    if re.match(r"\$\{?\w|%\w+%|\$\(", bare):
        return Found(
            "is no value: there are no variables here", "Write the value itself.", at, piece=bare[:40]
        )
    bare = bare.rstrip(";,") if bare.endswith((";", ",")) else bare
    if bare.endswith(('"', "'")) and not bare.startswith(('"', "'")):
        return Found(
            "the quotation mark at the beginning is missing",
            assign(place, f"{text_meant(place, bare[:-1])}{comment}"),
            at,
        )
    if takes_list(place):
        proposal = f"{listed(place, bare.split())}{comment}"
        return Found("this list stands without brackets", assign(place, proposal), at)
    cure = assign(place, f"{quoted(bare)}{comment}", "Put it in quotes.")
    if cure.lines or not no_value(place) or "not allowed" not in cure.words:
        return Found("this text stands without quotes", cure, at)
    near = next((word for word in bare.split() if suits(place, quoted(word))), "")
    remark = f' Did you mean "{near}"?' if near else ""
    return Found(no_value(place), f"Write a value that is allowed here.{remark}", at, piece=bare[:40])


def _as_found(place: Place, meant: Meant, comment: str, at: int) -> Found:
    cure = (
        assign(place, meant.value + comment, meant.otherwise, meant.remark)
        if meant.value
        else meant.otherwise
    )
    return Found(meant.what, cure, at + meant.at, piece=meant.piece)


def _after_complete(place: Place, value: str, bare: str, at: int) -> Found | None:
    """Something after a value that is one by itself: `30 loud`, and not `30 %`, `1 000` or `1,5`."""
    words = re.fullmatch(r"[\w\s.:-]+", bare)
    if words and suits(place, quoted(bare)) and not suits(place, bare.split(maxsplit=1)[0]):
        return None
    complete = re.match(
        r"(?:true|false|[+-]?\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=\s*[;,]?\s*$|\s+\S|\s*[;,/]|\s*--)", bare
    )
    if complete is None or not is_toml(f"x = {complete[0]}"):
        return None
    rest = value[complete.end() :].strip()
    whole_list = re.fullmatch(r"[^,=]+(?:,\s*[^,=]+)+", bare)
    unit = re.fullmatch(UNIT, rest) or re.fullmatch(r"(?:\d{3})+", rest.replace(" ", ""))
    decimal = re.fullmatch(r"\d+,\d+", bare) and not takes_list(place)
    if not rest or unit or (whole_list and (decimal or "]" in bare)):
        return None
    after = at + len(value) - len(value[complete.end() :].lstrip())
    if re.fullmatch(r"\d+", rest) and complete[0].lstrip("+-").isdigit() and not takes_list(place):
        cure = assign(place, complete[0] + rest, remark=f"   (or {place.name} = {complete[0]})")
        if cure.lines:
            return Found("there is a space in the number", cure, at + complete.end())
    return after_value(place, complete[0], rest, after)


def _list_meant(place: Place, bare: str, comment: str, at: int) -> Found:
    """Several values with commas, or in parentheses."""
    if bare.startswith("("):
        inner, words = bare.strip("() ,;"), "a list stands in brackets, not in parentheses"
    elif bare.endswith("]"):
        inner, words = bare[:-1], "the [ at the beginning is missing"
    else:
        inner, words = bare.strip(" ,;"), "there are several values, and no list"
    return Found(
        words,
        assign(
            place, f"{listed(place, inner.split(','))}{comment}", "Write them in [ ] with commas between."
        ),
        at,
    )
