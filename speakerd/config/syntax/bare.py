"""Values without quotes and brackets."""

import re

from speakerd.config.syntax.place import Found, Place
from speakerd.config.syntax.proposals import assign, is_toml, quoted
from speakerd.config.syntax.texts import after_value
from speakerd.config.syntax.values import constant_meant, mended, number_meant, takes_list, without_comment


def bare_value(place: Place) -> Found | None:
    """A value without quotes: a word of another language, a number that is none, or a text."""
    split = place.split()
    if split is None:
        return None
    _, value, at = split
    bare, comment = without_comment(value)
    bare = bare.strip()
    complete = re.match(
        r"(?:true|false|[+-]?\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=\s*[;,]?\s*$|\s+\S|\s*[;,/]|\s*--)", bare
    )
    if complete and is_toml(f"x = {complete[0]}"):
        rest = value[complete.end() :].strip()
        whole_list = re.fullmatch(r"[^,=]+(?:,\s*[^,=]+)+", bare)
        unit = re.fullmatch(r"[A-Za-z%\u00b0\u00b5]+", rest) or re.fullmatch(
            r"(?:\d{3})+", rest.replace(" ", "")
        )
        decimal = re.fullmatch(r"\d+,\d+", bare) and not takes_list(place)
        if rest and not unit and not (whole_list and decimal):
            return after_value(
                place, complete[0], rest, at + len(value) - len(value[complete.end() :].lstrip())
            )
    if found := constant_meant(place, bare.rstrip(";,")):
        return Found(found[1], assign(place, found[0] + comment), at)
    if found := number_meant(place, bare.rstrip(";")):
        return Found(found[1], assign(place, found[0] + comment), at)
    if bare.startswith("(") or (bare.count(",") and " = " not in bare and takes_list(place)):
        inner = bare.strip("() ,;")
        listed = ", ".join(mended(place, part.strip()) for part in inner.split(",") if part.strip())
        words = (
            "a list stands in brackets, not in parentheses"
            if bare.startswith("(")
            else "there are several values, and no list"
        )
        return Found(words, assign(place, f"[{listed}]{comment}"), at)
    if re.match(r"\$\{?\w|%\w+%|\$\(", bare):
        return Found(f"{bare[:40]} is no value: there are no variables here", "Write the value itself.", at)
    semicolon = bare.endswith(";")
    bare = bare.rstrip(";,") if semicolon or bare.endswith(",") else bare
    if bare.endswith(('"', "'")) and not bare.startswith(('"', "'")):
        return Found(
            "the quotation mark at the beginning is missing",
            assign(place, f"{quoted(bare[:-1])}{comment}"),
            at,
        )
    if takes_list(place):
        listed = ", ".join(mended(place, part) for part in bare.split())
        return Found("this list stands without brackets", assign(place, f"[{listed}]{comment}"), at)
    return Found(
        "this text stands without quotes",
        assign(place, f"{quoted(bare)}{comment}", "Put it in quotes."),
        at,
    )
