"""What was probably meant by a value that is none: a number with a unit, `yes`, a comma for a point."""

import re
import tomllib
from dataclasses import dataclass

from speakerd.config import schema
from speakerd.config.settings import Settings
from speakerd.config.syntax.place import STRING, Place
from speakerd.config.syntax.proposals import fits, is_toml, quoted
from speakerd.panel.header import gpio_of

UNIT = (
    r"(?i:%|\u00b0|\u00b0?[cfk]|[mu\u00b5]?s|secs?|seconds?|min|mins|minutes?|hr?|hours?|percent|prozent"
    r"|db|dbfs|k?hz|[kmg]b?|[cm]m|px|m?v|ma)"
)
"""What people write after a number."""
_UNITS = {("s", "ms"): 1000.0, ("min", "s"): 60.0, ("h", "s"): 3600.0, ("h", "min"): 60.0, ("ms", "s"): 0.001}
_YES = frozenset({"yes", "on", "enabled", "ja", "an"})
_NO = frozenset({"no", "off", "disabled", "nein", "aus"})
_COUNTED = {"ms": "milliseconds", "s": "seconds", "min": "minutes"}


@dataclass(frozen=True, slots=True)
class Meant:
    """A value as it was probably meant, as TOML, and what is wrong with what is there.

    Attributes:
        value: the value; empty if nobody can say.
        what: what is wrong, after `piece`.
        piece: what of the file it is said of.
        remark: to be said after the proposal.
        at: where in the value the mistake is.
        otherwise: what to do if there is no value to propose.
    """

    value: str
    what: str
    piece: str = ""
    remark: str = ""
    at: int = 0
    otherwise: str = "Write a value that is allowed here."


def mended(place: Place, value: str) -> str:
    """Return the value as it was probably meant, as TOML, for one that stands after something like `:`, or ""."""
    if not value or is_toml(f"x = {value}"):
        return value
    bare, comment = without_comment(value)
    bare = bare.rstrip(";,").rstrip()
    if is_toml(f"x = {bare}"):
        return bare + comment
    if set(bare) & set("[]{}()"):
        return ""
    if bare[:1] in {'"', "'"} or bare[-1:] in {'"', "'"}:
        inner = bare.strip("\"'")
        return "" if set(inner) & {'"', "'"} else quoted(inner) + comment
    meant = meant_by(place, bare)
    found = meant.value if meant else quoted(bare)
    return found + comment if found else ""


def listed(place: Place, parts: list[str]) -> str:
    """Return a list of these elements, each mended; "" if one of them cannot be."""
    elements = [mended(place, part.strip()) for part in parts if part.strip()]
    return f"[{', '.join(elements)}]" if all(elements) else ""


def without_comment(value: str) -> tuple[str, str]:
    """Return a value without the comment after it, and the comment with the space before it."""
    outside = STRING.sub(lambda match: "x" * len(match[0]), value)
    match = re.search(r"\s+(?:#|//)(.*)$", outside)
    return (value[: match.start()], "   #" + value[match.start(1) :]) if match else (value, "")


def allowed_here(place: Place) -> str:
    """Return the values that the setting of this statement may have, in words; "" if it is none."""
    hint = schema.hint_at(Settings, place.statement.path)
    return "" if hint is None or schema.is_section(hint) else schema.allowed(hint)


def takes_list(place: Place) -> bool:
    """Return whether the setting of this statement is a list."""
    return allowed_here(place).startswith("a list")


def no_value(place: Place) -> str:
    """Return what to say of a word that is none of the values of this setting."""
    allowed = allowed_here(place)
    if re.match(r"a (?:whole )?number(?! or )", allowed):
        return "is no number"
    if schema.is_section(schema.hint_at(Settings, place.statement.path)):
        return "is no value of a table"
    return "is not allowed here" if allowed else "is not known here"


def _takes(place: Place, word: str) -> bool:
    """Return whether the setting of this statement may be this word, in quotes."""
    return f'"{word}"' in allowed_here(place)


def _pin_meant(place: Place, word: str) -> Meant | None:
    name = place.statement.path[-1] if place.statement.path else ""
    match = re.fullmatch(r"(pin|gpio|bcm|board|wpi|j8:)[ \t]*(\d{1,2})", word, re.IGNORECASE)
    if match is None or not re.search(r"pins?$", name):
        return None
    kind, number = match[1].upper(), match[2]
    if kind != "PIN":
        plain = {"BCM": "GPIO", "J8:": "BOARD"}.get(kind, kind)
        return Meant(f'"{plain}{number}"', "stands without quotes", word)
    gpio = f'"GPIO{number}"' if int(number) < 28 else ""  # the header has GPIO0 to GPIO27
    what = "can mean two things" if gpio else "stands without quotes"
    try:
        there = f"place {number} of the header, which is GPIO{gpio_of(f'BOARD{number}')}"
    except ValueError as error:
        other = f"; or, if you mean the GPIO: {name} = {gpio}" if gpio else "."
        return Meant("", what, word, otherwise=f"Write another pin: {error}{other}")
    other = f"; or write {gpio}" if gpio else ""
    return Meant(f'"BOARD{number}"', what, word, remark=f"   ({there}{other})")


def _may_be_true(place: Place) -> bool:
    allowed = allowed_here(place)
    return not allowed or "true" in allowed


def suits(place: Place, value: str) -> bool:
    """Return whether the setting of this statement may have this value; True if it is no setting."""
    hint = schema.hint_at(Settings, place.statement.path)
    if hint is None or schema.is_section(hint):
        return True
    return is_toml(f"x = {value}") and fits(hint, tomllib.loads(f"x = {value}")["x"])


def text_meant(place: Place, inner: str) -> str:
    """Return a text in quotes; without them if the setting is a number, or true or false, and takes it so."""
    return inner if not suits(place, quoted(inner)) and suits(place, inner) else quoted(inner)


def constant_meant(place: Place, word: str) -> Meant | None:
    """Return the value that a word such as `yes` means; None if it is none of these words."""
    low = word.lower()
    if found := _pin_meant(place, word):
        return found
    if _takes(place, low):
        return Meant(f'"{low}"', "stands without quotes", word)
    if low in {"true", "false"}:
        return Meant(low, "must be in small letters", word)
    if low in _YES | _NO and not _may_be_true(place):
        return Meant(
            '"none"' if low in {"no", "off"} and _takes(place, "none") else "", no_value(place), word
        )
    if low in _YES | _NO:
        return Meant("true" if low in _YES else "false", no_value(place), word)
    if low in {"none", "null", "nil", "undefined", "~"}:
        return Meant('""', "is not known here", word, "   (or leave the line out, and the default counts)")
    return None


def meant_by(place: Place, word: str) -> Meant | None:
    """Return the constant or number that was probably meant; None if it is none, or a text is wanted here."""
    if found := constant_meant(place, word):
        return found
    found = number_meant(place, word)
    return found if found is None or suits(place, found.value) or not suits(place, quoted(word)) else None


def _with_unit(place: Place, word: str) -> Meant | None:
    match = re.fullmatch(r"([+-]?\d[\d_]*(?:[.,]\d+)?)(\s*)(" + UNIT + ")", word)
    if match is None or re.fullmatch(r"0[xob]\w*|inf|nan", word):
        return None
    number, unit = match[1].replace(",", "."), match[3]
    name = place.statement.path[-1] if place.statement.path else ""
    suffix = name.rpartition("_")[2]
    short = unit.lower().removesuffix("s") if len(unit) > 2 else unit.lower()
    short = short.removesuffix("ond").removesuffix("ec").removesuffix("ute").removesuffix("our")
    factor = _UNITS.get((short, suffix), 1.0)
    remark = ""
    if factor != 1.0:
        number = f"{float(number) * factor:.12g}"
        remark = f"   ({name} counts {_COUNTED[suffix]})"
    return Meant(number, "stands after the number: a number has no unit", unit, remark, match.start(3))


def number_meant(place: Place, word: str) -> Meant | None:
    """Return the number that was probably meant; None if it is no number at all."""
    if re.fullmatch(r"[0-2]?\d:[0-5]\d(?::[0-5]\d)?", word):
        hours, _, rest = word.partition(":")
        return Meant(f'"{hours:0>2}:{rest}"', "a time of day stands without quotes")
    if found := _with_unit(place, word):
        return found
    if re.fullmatch(r"\d{4}-\d\d-\d\d", word):
        return Meant("", "is no day of the calendar", word, otherwise="Write a day that there is.")
    if match := re.fullmatch(r"0[xob]", word):
        return Meant("", "begins a number, and no digits follow", word, otherwise="Write the number.")
    if match := re.fullmatch(r"([\\/~<>^*@&=]+)\s*([+-]?\d+(?:\.\d+)?)", word):
        return Meant(match[2], "stands before the number", match[1])
    if re.fullmatch(r"[+-]?0\d+(?:\.\d+)?", word):
        sign = word[0] if word[0] in "+-" else ""
        digits = word.lstrip("+-").lstrip("0") or "0"
        return Meant(
            sign + (f"0{digits}" if digits.startswith(".") else digits), "a number must not begin with 0"
        )
    if re.fullmatch(r"[+-]?\.\d+", word):
        return Meant(word.replace(".", "0."), "a digit is missing before the point")
    if re.fullmatch(r"[+-]?\d+\.", word):
        return Meant(f"{word}0", "a digit is missing after the point", at=len(word))
    if match := re.fullmatch(r"([+-]?\d{1,3})(?:[ ']\d{3})+", word):
        sign = "a space" if " " in word else "a quotation mark"
        return Meant(re.sub(r"[ ']", "", word), f"there is {sign} in the number", at=match.end(1))
    if re.fullmatch(r"[+-]?\d+,\d+", word) and not takes_list(place):
        return Meant(
            word.replace(",", "."), "a comma stands where the point of a number belongs", at=word.index(",")
        )
    if re.fullmatch(r"[+-]\s+\d+(?:\.\d+)?", word):
        return Meant(re.sub(r"\s", "", word), "there is a space after the sign", at=1)
    return None
