"""What was probably meant by a value that is none: a number with a unit, `yes`, a comma for a point."""

import re

from speakerd.config import schema
from speakerd.config.settings import Settings
from speakerd.config.syntax.place import Place
from speakerd.config.syntax.proposals import is_toml, quoted

_UNITS = {("s", "ms"): 1000.0, ("min", "s"): 60.0, ("h", "s"): 3600.0, ("h", "min"): 60.0, ("ms", "s"): 0.001}


def mended(place: Place, value: str) -> str:
    """Return the value as it was probably meant, as TOML, for a value that stands after something like `:`."""
    if not value or is_toml(f"x = {value}"):
        return value
    bare, comment = without_comment(value)
    bare = bare.rstrip(";,").rstrip()
    if set(bare) & set("[]{}()"):
        return ""
    if is_toml(f"x = {bare}"):
        return bare + comment
    return (constant_meant(place, bare) or number_meant(place, bare) or (quoted(bare), ""))[0] + comment


def without_comment(value: str) -> tuple[str, str]:
    """Return a value without quotes, and the comment after it with the space before it."""
    match = re.search(r"\s+(?:#|//)(.*)$", value)
    return (value[: match.start()], "   #" + match[1]) if match else (value, "")


def _takes(place: Place, word: str) -> bool:
    """Return whether the setting of this statement may be this word, in quotes."""
    hint = schema.hint_at(Settings, place.statement.path)
    return hint is not None and f'"{word}"' in schema.allowed(hint)


def takes_list(place: Place) -> bool:
    """Return whether the setting of this statement is a list."""
    hint = schema.hint_at(Settings, place.statement.path)
    return hint is not None and schema.allowed(hint).startswith("a list")


def constant_meant(place: Place, word: str) -> tuple[str, str] | None:
    """Return the value that a word such as `yes` means, as TOML, and what is wrong with the word; else None."""
    low = word.lower()
    if match := re.fullmatch(r"pin\s*(\d\d?)", low):
        return f'"BOARD{match[1]}"', f"a place on the header is written BOARD{match[1]}, in quotes"
    if _takes(place, low):
        return f'"{low}"', f"{word} stands without quotes"
    if low in {"true", "false"}:
        return low, f"{word} is written small"
    if low in {"yes", "on", "enabled"}:
        return "true", f"{word} is no value of TOML"
    if low in {"no", "off", "disabled"}:
        return (
            ("false", f"{word} is no value of TOML")
            if not _takes(place, "none")
            else ('"none"', f"{word} is no value here")
        )
    if low in {"none", "null", "nil", "undefined", "~"}:
        return '""', f"TOML has no {word}: a text may be empty, and a line that is left out has its default"
    return None


def number_meant(place: Place, word: str) -> tuple[str, str] | None:
    """Return the number that was probably meant, as TOML, and what is wrong with what is there; else None."""
    if re.fullmatch(r"[0-2]?\d:[0-5]\d(?::[0-5]\d)?", word):
        hours, _, rest = word.partition(":")
        return f'"{hours:0>2}:{rest}"', "a time of day stands without quotes"
    if match := re.fullmatch(r"([+-]?\d[\d_]*(?:[.,]\d+)?)\s*([A-Za-z%\u00b0\u00b5]{1,8})", word):
        number, unit = match[1].replace(",", "."), match[2]
        suffix = place.statement.path[-1].rpartition("_")[2] if place.statement.path else ""
        factor = _UNITS.get(
            (unit.lower().removesuffix("ec").removesuffix("utes").removesuffix("ute"), suffix), 1.0
        )
        if factor != 1.0:
            number = f"{float(number) * factor:g}"
        if re.fullmatch(r"0[xob]\w*|inf|nan", word):
            return None
        return number, f"{unit} stands after the number: a number has no unit"
    if re.fullmatch(r"[+-]?0\d+(?:\.\d+)?", word):
        sign = word[0] if word[0] in "+-" else ""
        return sign + (word.lstrip("+-").lstrip("0") or "0"), "a number begins with 0"
    if re.fullmatch(r"[+-]?\.\d+", word):
        return word.replace(".", "0."), "a digit is missing before the point"
    if re.fullmatch(r"[+-]?\d+\.", word):
        return f"{word}0", "a digit is missing after the point"
    if re.fullmatch(r"[+-]?\d{1,3}(?:[ ']\d{3})+", word):
        return re.sub(r"[ ']", "", word), "thousands are set apart"
    if re.fullmatch(r"[+-]?\d+,\d+", word) and not takes_list(place):
        return word.replace(",", "."), "a comma stands where the point of a number belongs"
    if re.fullmatch(r"[+-]\s+\d+(?:\.\d+)?", word):
        return re.sub(r"\s", "", word), "there is a space after the sign"
    return None
