"""What is wrong with a text that is not TOML, in words for somebody who has never read its grammar.

`tomllib` says at which character it gave up. From there this looks for what people do write: a value without
quotes, a colon, `yes`, `30%`, a quotation mark of a word processor. A line is proposed only if it is TOML. Pure:
takes the text and the error, and returns what was found.
"""

import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from speakerd.config import schema
from speakerd.config.line_numbers import KeyPath, Statement, locate, statements
from speakerd.config.settings import Settings
from speakerd.config.toml_writer import toml_key


@dataclass(frozen=True, slots=True)
class SyntaxMistake:
    """The first mistake of a text.

    Attributes:
        line: from 1.
        column: from 1; where the mistake begins in that line.
        path: the key or table that the statement is about; empty if there is none.
        what: what was met.
        cure: what to write instead.
        statement: the characters from which to which the statement goes; None if what follows cannot be told apart
            from it, so that the rest of the text means nothing.
    """

    line: int
    column: int
    path: KeyPath
    what: str
    cure: str
    statement: tuple[int, int] | None


def explain(text: str, error: ValueError) -> SyntaxMistake:
    """Return the mistake for which `tomllib` refused the text with `error`."""
    text = text.replace("\r\n", "\n")
    message, offset = _position(text, str(error))
    place = _Place(text, offset, message, _failing(text, offset))
    if len(place.head) > _LONGEST_LINE:
        what = f"this line has {len(place.head)} characters, and cannot be read: {message}"
        return _mistake(place, _Found(what, _GENERAL, at=offset, closed=False))
    for rule in _RULES:
        if found := rule(place):
            return _mistake(place, found)
    what = message[:1].lower() + message[1:]
    return _mistake(place, _Found(f"this is not TOML: {what}", _GENERAL, at=offset))


_GENERAL = "A setting is written  name = value , a text in quotes, and a table begins with [name]."
_END = re.compile(r"\s*\(at line (\d+), column (\d+)\)$|\s*\(at end of document\)$")
_KEY = re.compile(
    r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')(?:[ \t]*\.[ \t]*(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*'))*"""
)
_NAMED = re.compile(rf"\[\[?\s*{_KEY.pattern}\s*(?:[\]#]|$)|(?=-*[\w\"']){_KEY.pattern}(?:[\s=:]|$)")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
_HUGE_NUMBER = re.compile(r"\d{4000}")
_BLOCK = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}', re.DOTALL)
_LONGEST_PROPOSAL = 200
_LONGEST_LINE = 2000
"""What is looked for in a line takes time with the square of its length."""

_LOOK_ALIKE = {
    **dict.fromkeys(
        "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u201b\u2039\u203a\uff02\uff07\u00b4`", '"'
    ),
    **dict.fromkeys("\u2212\u2013\u2014\u2010\u2011\ufe63\uff0d", "-"),
    "\uff1d": "=",
    "\uff0c": ",",
    "\uff1a": "=",
    "\uff3b": "[",
    "\uff3d": "]",
    "\uff03": "#",
}
_QUOTES = {char for char, plain in _LOOK_ALIKE.items() if plain == '"'}
_COMMENTS = ("//", "/*", "*", "--", ";", "%", "!", "<!--", "REM ", "'")
_UNITS = {("s", "ms"): 1000.0, ("min", "s"): 60.0, ("h", "s"): 3600.0, ("h", "min"): 60.0, ("ms", "s"): 0.001}


@dataclass(frozen=True, slots=True)
class _Found:
    what: str
    cure: str
    at: int | None = None
    closed: bool = True
    """Whether the statement ends where it seems to."""


@dataclass(slots=True)
class _Place:
    """Where `tomllib` gave up, and the statement that it is in."""

    text: str
    offset: int
    message: str
    statement: Statement
    head: str = field(init=False)
    """The first line of the statement."""
    raw: str = field(init=False)

    def __post_init__(self) -> None:
        self.raw = self.text[self.statement.start : self.statement.end].rstrip("\n")
        self.head = self.raw.partition("\n")[0].rstrip()
        self.raw = self.raw[: len(self.head) + _LONGEST_LINE]

    @property
    def start(self) -> int:
        return self.statement.start

    def split(self) -> tuple[str, str, int] | None:
        """Return what is before and after the first equals sign of the first line, and where the latter begins."""
        outside = _STRING.sub(lambda match: "x" * len(match[0]), self.head)
        before, sign, after = outside.partition("=")
        if not sign or "#" in before:
            return None
        at = len(before) + 1 + len(after) - len(after.lstrip())
        return self.head[: len(before)].strip(), self.head[at:], self.start + at

    @property
    def name(self) -> str:
        """The key as it is written."""
        split = self.split()
        match = _KEY.match(self.head)
        return split[0] if split else match[0] if match else ""


def _position(text: str, message: str) -> tuple[str, int]:
    place = _END.search(message, max(0, len(message) - 60))
    if place is None:
        return message, len(text)
    if place[1] is None:
        return message[: place.start()], len(text)
    at = 0
    for _ in range(int(place[1]) - 1):
        at = text.find("\n", at) + 1
    return message[: place.start()], at + int(place[2]) - 1


def _failing(text: str, offset: int) -> Statement:
    last = Statement(0, 0, 1, ())
    for statement in statements(text):
        if statement.start > offset:
            break
        last = statement
    if last.end <= offset < len(text):  # a comment: between two statements, and none itself
        start = text.rfind("\n", 0, offset) + 1
        return Statement(start, _line_end(text, offset), text.count("\n", 0, offset) + 1, last.table)
    return last


def _mistake(place: _Place, found: _Found) -> SyntaxMistake:
    at = min(place.start if found.at is None else found.at, len(place.text))
    line_start = place.text.rfind("\n", 0, at) + 1
    statement = place.statement
    return SyntaxMistake(
        line=place.text.count("\n", 0, at) + 1,
        column=at - line_start + 1,
        path=statement.path if _NAMED.match(place.head) else (),
        what=found.what,
        cure=found.cure,
        statement=(statement.start, statement.end)
        if found.closed and statement.end > statement.start
        else None,
    )


# -- what to write instead --------------------------------------------------------------------------------------


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _write(line: str, otherwise: str = _GENERAL, remark: str = "", table: KeyPath = ()) -> str:
    """Return the proposal to write this line, if it is TOML, and what the setting takes; else other words."""
    line = line.strip()
    if len(line) > _LONGEST_PROPOSAL or not line or not _is_toml(line):
        return otherwise
    if not _fits(line, table):
        return "Write a value that is allowed here."
    return f"Write: {line}{remark}"


def _fits(line: str, table: KeyPath) -> bool:
    """Return whether the value is one that the setting takes; a setting that is not known takes all."""
    path: KeyPath = table
    value: Any = tomllib.loads(line)
    while (
        isinstance(value, dict)
        and len(value) == 1
        and schema.is_section(schema.hint_at(Settings, path) or Settings)
    ):
        ((name, value),) = value.items()
        path = (*path, name)
    hint = schema.hint_at(Settings, path)
    if hint is None or schema.is_section(hint) or path == table:
        return True
    try:
        TypeAdapter(hint).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError:
        return False
    return True


def _assign(place: _Place, value: str, otherwise: str = _GENERAL, remark: str = "") -> str:
    return _write(f"{place.name} = {value}", otherwise, remark, place.statement.table)


def _quoted(text: str) -> str:
    return f"'{text}'" if "\\" in text and "'" not in text else json.dumps(text, ensure_ascii=False)


def _mended(place: _Place, value: str) -> str:
    """Return the value as it was probably meant, as TOML, for a value that stands after something like `:`."""
    if not value or _is_toml(f"x = {value}"):
        return value
    bare, comment = _without_comment(value)
    bare = bare.rstrip(";,").rstrip()
    if set(bare) & set("[]{}()"):
        return ""
    if _is_toml(f"x = {bare}"):
        return bare + comment
    return (_constant(place, bare) or _number(place, bare) or (_quoted(bare), ""))[0] + comment


def _without_comment(value: str) -> tuple[str, str]:
    """Return a value without quotes, and the comment after it with the space before it."""
    match = re.search(r"\s+(?:#|//)(.*)$", value)
    return (value[: match.start()], "   #" + match[1]) if match else (value, "")


def _takes(place: _Place, word: str) -> bool:
    """Return whether the setting of this statement may be this word, in quotes."""
    hint = schema.hint_at(Settings, place.statement.path)
    return hint is not None and f'"{word}"' in schema.allowed(hint)


def _takes_list(place: _Place) -> bool:
    hint = schema.hint_at(Settings, place.statement.path)
    return hint is not None and schema.allowed(hint).startswith("a list")


# -- rules, in the order in which they are tried ------------------------------------------------------------------


def _too_long_number(place: _Place) -> _Found | None:
    if place.message.startswith("Exceeds the limit"):
        long = _HUGE_NUMBER.search(place.text)
        return _Found(
            "this number has thousands of digits",
            "Write a number that fits.",
            long.start() if long else 0,
            closed=False,
        )
    return None


def _old_mac(place: _Place) -> _Found | None:
    at = place.text.find("\r")
    if at < 0:
        return None
    return _Found(
        "this line ends in a carriage return alone, as on an old Macintosh",
        "Save the file with Unix line ends; here: tr '\\r' '\\n' <FILE >NEW",
        at,
        closed=False,
    )


def _foreign_character(place: _Place) -> _Found | None:
    at, text = place.start, place.text
    end = max(min(place.offset + 1, len(text)), min(place.start + len(place.head), len(text)))
    while at < end:
        if string := _BLOCK.match(text, at) or _STRING.match(text, at):
            at = string.end() if not _control(string[0]) else at + 1
            continue
        char = text[at]
        if char == "#":
            found = _control(text[at : _line_end(text, at)])
            at = at + found.start() if found else _line_end(text, at)
            if found is None:
                continue
            char = text[at]
        if char in _LOOK_ALIKE or (
            char not in "\n\t"
            and unicodedata.category(char) in {"Cc", "Cf", "Zs", "Zl", "Zp", "Co", "Cn"}
            and char != " "
        ):
            return _character(place, at, char)
        at += 1
    return None


def _control(text: str) -> re.Match[str] | None:
    return re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _character(place: _Place, at: int, char: str) -> _Found:
    name = unicodedata.name(char, "NUL" if char == "\0" else "a control character")
    if char in _QUOTES:
        shown = f"{char} (U+{ord(char):04X}) is no quotation mark of TOML"
        straight = "".join(_LOOK_ALIKE.get(each, each) if each in _QUOTES else each for each in place.head)
        return _Found(
            shown,
            _write(straight, 'Write the straight one, ": a word processor or a phone has changed it.'),
            at,
        )
    if plain := _LOOK_ALIKE.get(char):
        mended = "".join(_LOOK_ALIKE.get(each, each) for each in place.head)
        return _Found(
            f"{char} (U+{ord(char):04X}, {name}) only looks like {plain}",
            _write(mended, f"Write {plain}"),
            at,
        )
    cleaned = "".join(" " if unicodedata.category(each) == "Zs" else each for each in place.head)
    cleaned = "".join(
        each for each in cleaned if unicodedata.category(each) not in {"Cc", "Cf", "Cn", "Co"} or each == "\t"
    )
    what = f"there is a character here that cannot be seen: U+{ord(char):04X}, {name}"
    return _Found(what, _write(cleaned, "Delete it, or write this line anew by hand."), at)


def _duplicate(place: _Place) -> _Found | None:
    found = _twice(place)
    if found is None or place.statement.key:
        return found
    return _Found(found.what, found.cure, closed=False)


def _twice(place: _Place) -> _Found | None:
    said = place.message
    if not (said.startswith(("Cannot declare", "Cannot overwrite", "Cannot mutate", "Duplicate inline"))):
        return None
    if said.startswith("Duplicate inline"):
        return _Found("a name stands twice in these braces", "Delete one of the two.")
    statement = place.statement
    places = locate(place.text[: place.start])
    header = statement.array or statement.path
    if place.head.startswith("["):
        header = tuple(part for part in header if not part.isdigit())
    path = statement.path if statement.key else header
    first = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in places), ())
    line = places.get(first)
    name = ".".join(map(toml_key, path))
    where = f" in line {line}" if line else ""
    if statement.key:
        if first == path:
            what = f"{name} was set already{where}"
            return _Found(what, "Delete one of the two lines: a setting has one value.")
        what = f"{'.'.join(map(toml_key, first))} was given a value{where}, and cannot be a table too"
        return _Found(what, f"Delete line {line}, or this one.")
    begins = place.text.split("\n")[line - 1].lstrip() if line else ""
    if begins.startswith("[[") and not place.head.startswith("[["):
        what = f"{name} was begun as a list of tables{where}"
        if schema.is_section(schema.hint_at(Settings, path)):
            return _Found(what, f"Write [{name}] with one bracket in line {line}, and delete this line.")
        return _Found(what, f"Write [[{name}]] with two brackets: each begins another one.")
    if re.match(r"[\w.]+\s*=\s*\[\s*\]", begins):
        return _Found(f"{name} was set to an empty list already{where}", f"Delete line {line}: {begins}")
    if place.head.startswith("[["):
        what = f"{name} was begun as a single table{where}"
        return _Found(what, f"Write [[{name}]] with two brackets in line {line} too.")
    if begins.startswith("["):
        what = f"the table [{name}] was begun already{where}"
        return _Found(
            what, f"Move the lines below this one up into the table of line {line}, and delete this line."
        )
    what = f"{'.'.join(map(toml_key, first))} was set already{where}, and cannot be begun again as a table"
    return _Found(what, f"Keep one of the two: line {line}, or this table.")


def _comment(place: _Place) -> _Found | None:
    mark = next((mark for mark in _COMMENTS if place.head.startswith(mark)), None)
    if mark is None or (mark == "'" and place.split()):
        return None
    if mark == "--" and place.split():
        return None
    rest = place.head[len(mark) :].strip().removesuffix("*/").removesuffix("-->").strip()
    return _Found(
        f"{mark.strip()} begins no comment in TOML",
        f"Write: # {rest}" if len(rest) < _LONGEST_PROPOSAL else "Begin it with #",
    )


def _header(place: _Place) -> _Found | None:
    head = place.head
    if not head.startswith("["):
        return None
    double = head.startswith("[[")
    inside = head[2 if double else 1 :]
    name, closing, rest = inside.partition("]")
    name = name.strip()
    after = rest.removeprefix("]").strip() if double else rest.strip()
    opened, closed = ("[[", "]]") if double else ("[", "]")
    if not closing:
        bare = re.split(r"[\s#=]", name)[0]
        if "=" in name and (split := place.split()):
            return _Found(
                "a bracket stands before a setting",
                _write(f"{split[0].lstrip('[ ')} = {split[1]}"),
                closed=False,
            )
        return _Found(
            f"the {opened} of a table is not closed",
            _write(f"{opened}{bare}{closed}", f"Close it with {closed}"),
            closed=False,
        )
    if double and not rest.startswith("]"):
        known = schema.hint_at(Settings, tuple(name.split(".")))
        single = schema.is_section(known)
        meant = f"[{name}]" if single else f"[[{name}]]"
        return _Found(
            "two brackets open this table, and one closes it", _write(meant, "Close it with ]]"), closed=False
        )
    if not double and rest.startswith("]"):
        return _Found("one bracket opens this table, and two close it", _write(f"[{name}]"), closed=False)
    if not name:
        return _Found("a table has no name", "Write it between the brackets, as in [audio].", closed=False)
    if not _KEY.fullmatch(name):
        meant = re.sub(r"\s*[/:\\>]\s*|\.+|\s+", ".", name.strip("./:")) if _KEY.search(name) else ""
        fits = [
            part
            for part in (meant, meant.replace(".", "_"))
            if schema.hint_at(Settings, tuple(part.split("."))) is not None
        ]
        proposal = f"{opened}{(fits or [meant])[0]}{closed}"
        return _Found(
            f"{name!r} is no name of a table",
            _write(proposal, "Names are made of letters, digits, _ and -, with dots between."),
            closed=False,
        )
    if after and not after.startswith("#"):
        own = _write(f"{opened}{name}{closed}", f"Write {opened}{name}{closed}")
        if after.startswith(("//", "--", "/*")):
            return _Found(
                f"{after[:2]} begins no comment in TOML",
                _write(f"{opened}{name}{closed}   # {after[2:].strip()}"),
                closed=False,
            )
        if _KEY.match(after) and "=" in after:
            return _Found(
                "a setting stands on the line of its table",
                f"Put  {after[:60]}  on a line of its own, below {opened}{name}{closed}.",
                closed=False,
            )
        return _Found(f"{after[:20]!r} stands after the name of a table", own, closed=False)
    return None


def _other_language(place: _Place) -> _Found | None:
    head = place.head
    if head.startswith("{"):
        cure = "Write [audio] on a line, and below it volume = 60; without braces, commas and colons."
        return _Found("this looks like JSON", cure, closed=False)
    if head.startswith("<"):
        return _Found("this looks like XML or HTML", _GENERAL, closed=False)
    if re.match(r"-\s", head):
        cure = 'Write a list in brackets: argv = ["/bin/true", "x"]; each command begins with [[tools.commands]].'
        return _Found("this looks like a list of YAML", cure, closed=False)
    if head in {"}", "},", "]", "],", ")", "---", "...", "```", "```toml"}:
        return _Found(
            f"{head} stands alone", "Delete this line; or close with it what is open above.", closed=False
        )
    return None


def _no_equals(place: _Place) -> _Found | None:
    if place.split() is not None:
        return None
    head, _ = _without_comment(place.head)
    match = _KEY.match(head)
    if match is None:
        return None
    name, rest = match[0], head[match.end() :].strip()
    path = (*place.statement.table, *name.replace(" ", "").split("."))
    at = place.start + match.end() + len(head[match.end() :]) - len(head[match.end() :].lstrip())
    if rest.startswith(":"):
        value = rest[1:].lstrip("=").strip()
        if not value:
            return _Found(
                "a colon ends this name",
                _write(f"[{name}]", remark="   (a table; its settings on the lines below)"),
                at,
                closed=False,
            )
        return _Found("a colon stands where = belongs", _write(f"{name} = {_mended(place, value)}"), at)
    if not rest:
        if schema.is_section(schema.hint_at(Settings, tuple(name.split(".")))):
            return _Found(
                f"{name} is a table, and stands here without brackets", _write(f"[{name}]"), closed=False
            )
        return _Found(
            f"{name} has neither = nor a value", "Write = and a value after it; or put # before the line."
        )
    if schema.hint_at(Settings, path) is not None or re.match(r"""["'\[{\d+-]|(?:true|false)\b""", rest):
        return _Found(
            f"= is missing between {name} and its value",
            _write(f"{name} = {_mended(place, rest.lstrip('>- '))}"),
            at,
        )
    return _Found(
        "this line is neither a setting, nor a table, nor a comment", "Begin it with # to make it a comment."
    )


def _name(place: _Place) -> _Found | None:
    split = place.split()
    if split is None:
        return None
    name, value, _ = split
    if _KEY.fullmatch(name):
        if value[:1] and value[0] in "=>:":
            return _Found(
                f"={value[0]} stands where = belongs",
                _write(f"{name} = {_mended(place, value.lstrip('=>: '))}"),
            )
        return None
    if not name:
        return _Found("there is no name before =", "Write the name of the setting before it: volume = 60")
    value = _mended(place, value)
    if name[-1] in ":+-*?|" and _KEY.fullmatch(name[:-1].rstrip()):
        return _Found(f"{name[-1]}= stands where = belongs", _write(f"{name[:-1].rstrip()} = {value}"))
    if ":" in name and (match := _KEY.match(name)) and name[match.end() :].lstrip().startswith(":"):
        whole = _mended(place, place.head[match.end() :].lstrip().removeprefix(":").strip())
        return _Found(
            "a colon stands where = belongs", _write(f"{match[0]} = {whole}"), place.start + match.end()
        )
    if re.search(r"^\.|\.$|\.\s*\.", name):
        meant = re.sub(r"\.+", ".", re.sub(r"\s", "", name)).strip(".")
        return _Found("a dot of this name has nothing beside it", _write(f"{meant} = {value}"))
    if name.count('"') % 2 or name.count("'") % 2:
        return _Found(
            "a quotation mark of this name has no other", _write(f"{name.strip(chr(34) + chr(39))} = {value}")
        )
    words = name.split()
    if len(words) > 1:
        meant = "_".join(words[1:] if words[0] in {"set", "let", "export", "var", "const", "$"} else words)
        cure = _write(f"{meant} = {value}", "Names have no spaces; _ is common.")
        return _Found(f"there is a space in the name {name!r}", cure)
    bad = next((char for char in name if not re.match(r"[A-Za-z0-9_.-]", char)), "")
    meant = re.sub(r"[^A-Za-z0-9_.-]+", "", words[0])
    cure = (
        "A name is made of the letters a to z, digits, _ and -; `speakerd check --defaults` prints all names."
    )
    plain = meant if schema.hint_at(Settings, (*place.statement.table, *meant.split("."))) is not None else ""
    return _Found(
        f"{bad} cannot be in a name",
        _write(f"{plain} = {value}", cure) if plain else cure,
        place.start + place.head.find(bad),
    )


def _nothing(place: _Place) -> _Found | None:
    split = place.split()
    if split is None:
        return None
    _, value, at = split
    if re.match(r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?(?![0-9A-Za-z])", value):
        word, _, rest = value.partition(" ")
        return _Found(
            f"{word} begins a comment here, so nothing stands after =", _assign(place, f'"{word}" {rest}'), at
        )
    if not value or value.startswith("#"):
        cure = 'Write a value; for an empty text ""; or put # before the line, and the default counts.'
        return _Found("nothing stands after =", cure, at)
    return None


def _block_text(place: _Place) -> _Found | None:
    split = place.split()
    if split is None or not split[1].startswith(('"""', "'''")):
        return None
    _, value, at = split
    mark = value[:3]
    match = _BLOCK.match(place.text, at)
    if match is None:
        return _Found(
            f"this text begins with {mark} and is never closed",
            f"Write {mark} on a line of its own where the text ends.",
            at,
            closed=False,
        )
    if found := _escape(place):
        return found
    rest = place.text[match.end() : _line_end(place.text, match.end())].strip()
    if rest and not rest.startswith("#"):
        return _Found(
            f"{rest[:20]!r} stands after the end of a text",
            f"Delete it; or {mark} ends the text too early.",
            match.end(),
        )
    return None


def _escape(place: _Place) -> _Found | None:
    if (
        "Unescaped '\\'" not in place.message
        and "hex value" not in place.message
        and "scalar value" not in place.message
    ):
        return None
    split = place.split()
    value = split[1] if split else ""
    match = _STRING.match(value)
    cure = "Write each backslash twice: \\\\"
    if match and value.startswith('"') and "'" not in match[0]:
        cure = _assign(
            place,
            f"'{match[0][1:-1]}'{value[match.end() :]}",
            cure,
            "   (in single quotes a backslash is only itself)",
        )
    if match is None and value.startswith('"') and "'" not in value and value.endswith('\\"'):
        cure = _assign(place, f"'{value[1:-1]}'", cure, "   (in single quotes a backslash is only itself)")
    at = place.text.rfind("\\", 0, place.offset)
    return _Found("a backslash has a meaning in a text, and this one has none", cure, max(at, place.start))


def _text(place: _Place) -> _Found | None:
    split = place.split()
    if split is None or split[1][:1] not in {'"', "'"}:
        return None
    _, value, at = split
    if found := _escape(place):
        return found
    mark = value[0]
    string = _STRING.match(value)
    if string is None:
        bare, comment = _without_comment(value[1:])
        if mark == '"' and re.search(r'\\"\s*$', bare):
            body = bare.rstrip()[:-1]
            return _Found(
                "the backslash before the last quotation mark takes it into the text",
                _assign(place, f"'{body}'{comment}"),
                at + value.rfind("\\"),
            )
        if bare.endswith(("'", '"')):
            inner = bare[:-1]
            return _Found(
                f"a text that begins with {mark} ends with {bare[-1]}",
                _assign(place, f"{_quoted(inner)}{comment}"),
                at,
            )
        following = place.text[_line_end(place.text, at) + 1 :].split("\n")[:20]
        ends = next((index for index, line in enumerate(following) if line.rstrip().endswith(mark)), None)
        if ends is not None and not any(
            re.match(r"\s*(?:\[|[A-Za-z0-9_.-]+\s*=|$)", line) for line in following[: ends + 1]
        ):
            cure = f"A text of several lines has three at each end: {place.name} = {mark * 3} ... {mark * 3}"
            return _Found("this text goes on over the end of the line", cure, at, closed=False)
        return _Found(
            "the quotation mark at the end is missing",
            _assign(place, f"{_quoted(bare.rstrip())}{comment}"),
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
            return _Found(
                f"a {mark} within the text ends it", _assign(place, proposed), at + string.end() - 1
            )
        return _after(
            place, value[: string.end()], rest, at + len(value) - len(value[string.end() :].lstrip())
        )
    return None


def _after(place: _Place, value: str, rest: str, at: int) -> _Found:
    """Explain what stands after a complete value."""
    if rest.rstrip() in {";", ",", ".", "%"} or re.match(r"[;,]\s*#", rest):
        return _Found(
            f"{rest[0]} stands at the end of the line",
            _assign(place, value + rest[1:].rstrip(), f"Delete {rest[0]}"),
            at,
        )
    if mark := next((mark for mark in ("//", "/*", "--", ";", "(", "<!--") if rest.startswith(mark)), None):
        words = rest[len(mark) :].strip().removesuffix("*/").removesuffix(")").strip()
        return _Found(f"{mark} begins no comment in TOML", _assign(place, f"{value}   # {words}"), at)
    if _KEY.match(rest.lstrip(",; ")) and "=" in rest:
        return _Found(
            "two settings stand on one line", f"Put  {rest.lstrip(',; ')[:60]}  on a line of its own.", at
        )
    if rest.startswith(","):
        listed = ", ".join(_mended(place, part.strip()) for part in f"{value}{rest}".split(","))
        return _Found("there are several values, and no list", _assign(place, f"[{listed}]"), at)
    return _Found(
        f"{rest[:20]!r} stands after the value",
        f"Delete it; a comment begins with #. The value is {value[:60]}",
        at,
    )


def _listed(place: _Place) -> _Found | None:
    split = place.split()
    if split is None or not split[1].startswith("["):
        return None
    _, value, at = split
    line, single = place.statement.line, "\n" not in place.raw
    if found := _escape(place):
        return found
    bare, comment = _without_comment(value)
    if single and "]" in bare:
        end = bare.rindex("]") + 1
        rest = bare[end:].strip()
        if _is_toml(f"x = {bare[:end]}") and rest:
            return _after(place, bare[:end], rest, at + end)
        mended = _mended_list(place, bare)
        if bare.count("[") > bare.count("]"):
            return _Found(
                "the [ of this list is not closed", _assign(place, f"{bare}]{comment}", "Close it with ]"), at
            )
        if bare.count("]") > bare.count("["):
            return _Found(
                "there are more ] than [", _assign(place, bare[: bare.index("]") + 1] + comment), place.offset
            )
        if ";" in bare and _is_toml(f"x = {bare.replace(';', ',')}"):
            return _Found(
                "semicolons stand where commas belong",
                _assign(place, bare.replace(";", ",") + comment),
                at + bare.index(";"),
            )
        if mended:
            words = (
                "a comma is missing in this list"
                if re.sub(r"[\s,]", "", mended) == re.sub(r"[\s,]", "", bare)
                else "an element of this list cannot be read"
            )
            return _Found(words, _assign(place, mended + comment), place.offset)
        cure = 'Commas stand between its elements, and texts in quotes: ["one", "two"].'
        return _Found("this list cannot be read", cure, place.offset)
    before = place.text[at : place.offset]
    depth = 0
    for token in re.finditer(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]]', before):
        depth += {"[": 1, "]": -1}.get(token[0], 0)
    here = place.text[place.text.rfind("\n", 0, place.offset) + 1 : _line_end(place.text, place.offset)]
    swallowed = (
        re.match(r"\s*(?:\[\[?[\w.]+\]|[A-Za-z0-9_.-]+\s*=)", here)
        and place.text.count("\n", 0, place.offset) + 1 > line
    )
    ended = place.offset >= len(place.text.rstrip())
    if depth > 0 and (swallowed or ended or single):
        return _Found(
            "the [ of this list is not closed",
            _assign(place, f"{bare.rstrip(', ')}]{comment}", "Close it with ] where it ends."),
            at,
            closed=False,
        )
    if place.message.startswith("Unclosed array"):
        return _Found(
            "an element of this list is not followed by a comma",
            "Put a comma between every two of its elements.",
            place.offset,
            closed=False,
        )
    return None


def _mended_list(place: _Place, value: str) -> str:
    """Return the list with its elements in quotes and commas between them; empty if that is not TOML."""
    inside = value[value.index("[") + 1 : value.rindex("]")]
    if inside.count('"') % 2 or inside.count("'") % 2:
        return ""
    parts = re.findall(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|[^\s,;"\']+', inside)
    mended = (
        "[" + ", ".join(part if _is_toml(f"x = {part}") else _mended(place, part) for part in parts) + "]"
    )
    return mended if _is_toml(f"x = {mended}") else ""


def _braces(place: _Place) -> _Found | None:
    split = place.split()
    if split is None or not split[1].startswith("{"):
        return None
    _, value, at = split
    table = ".".join(map(toml_key, place.statement.path))
    if "\n" in place.raw and "}" not in _STRING.sub("", value):
        return _Found(
            "a table in braces must stand on one line",
            f"Write [{table}] on a line, and below it its settings, a line each.",
            at,
            closed=False,
        )
    if "}" not in value:
        return _Found(
            "the { of this table is not closed",
            _assign(place, f"{value.rstrip(', ')} }}", "Close it with }"),
            at,
            closed=False,
        )
    if re.search(r",\s*\}", value):
        return _Found(
            "a comma stands before the closing }",
            _assign(place, re.sub(r",\s*\}", " }", value)),
            at + value.rindex(","),
        )
    swapped = re.sub(r'("[^"]*"|[\w-]+)\s*:\s*', r"\1 = ", value)
    if swapped != value and _is_toml(f"x = {swapped}"):
        return _Found("a colon stands where = belongs", _assign(place, swapped), at + value.index(":"))
    cure = f"Write [{table}] on a line, and below it its settings, a line each."
    if not re.search(r"=", value[1:]):
        listed = _assign(place, "[" + value[1 : value.rindex("}")].strip() + "]", cure)
        return _Found("braces hold names with their values, and there is no =", listed, at)
    return _Found("these braces cannot be read", cure, place.offset)


def _bare(place: _Place) -> _Found | None:
    split = place.split()
    if split is None:
        return None
    _, value, at = split
    bare, comment = _without_comment(value)
    bare = bare.strip()
    complete = re.match(
        r"(?:true|false|[+-]?\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=\s*[;,]?\s*$|\s+\S|\s*[;,/]|\s*--)", bare
    )
    if complete and _is_toml(f"x = {complete[0]}"):
        rest = value[complete.end() :].strip()
        whole_list = re.fullmatch(r"[^,=]+(?:,\s*[^,=]+)+", bare)
        unit = re.fullmatch(r"[A-Za-z%\u00b0\u00b5]+", rest) or re.fullmatch(
            r"(?:\d{3})+", rest.replace(" ", "")
        )
        decimal = re.fullmatch(r"\d+,\d+", bare) and not _takes_list(place)
        if rest and not unit and not (whole_list and decimal):
            return _after(place, complete[0], rest, at + len(value) - len(value[complete.end() :].lstrip()))
    if found := _constant(place, bare.rstrip(";,")):
        return _Found(found[1], _assign(place, found[0] + comment), at)
    if found := _number(place, bare.rstrip(";")):
        return _Found(found[1], _assign(place, found[0] + comment), at)
    if bare.startswith("(") or (bare.count(",") and " = " not in bare and _takes_list(place)):
        inner = bare.strip("() ,;")
        listed = ", ".join(_mended(place, part.strip()) for part in inner.split(",") if part.strip())
        words = (
            "a list stands in brackets, not in parentheses"
            if bare.startswith("(")
            else "there are several values, and no list"
        )
        return _Found(words, _assign(place, f"[{listed}]{comment}"), at)
    if re.match(r"\$\{?\w|%\w+%|\$\(", bare):
        return _Found(f"{bare[:40]} is no value: there are no variables here", "Write the value itself.", at)
    semicolon = bare.endswith(";")
    bare = bare.rstrip(";,") if semicolon or bare.endswith(",") else bare
    if bare.endswith(('"', "'")) and not bare.startswith(('"', "'")):
        return _Found(
            "the quotation mark at the beginning is missing",
            _assign(place, f"{_quoted(bare[:-1])}{comment}"),
            at,
        )
    if _takes_list(place):
        listed = ", ".join(_mended(place, part) for part in bare.split())
        return _Found("this list stands without brackets", _assign(place, f"[{listed}]{comment}"), at)
    return _Found(
        "this text stands without quotes",
        _assign(place, f"{_quoted(bare)}{comment}", "Put it in quotes."),
        at,
    )


def _constant(place: _Place, word: str) -> tuple[str, str] | None:
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


def _number(place: _Place, word: str) -> tuple[str, str] | None:
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
    if re.fullmatch(r"[+-]?\d+,\d+", word) and not _takes_list(place):
        return word.replace(",", "."), "a comma stands where the point of a number belongs"
    if re.fullmatch(r"[+-]\s+\d+(?:\.\d+)?", word):
        return re.sub(r"\s", "", word), "there is a space after the sign"
    return None


def _rules() -> Iterator[Callable[[_Place], _Found | None]]:
    yield from (
        _too_long_number,
        _old_mac,
        _foreign_character,
        _duplicate,
        _comment,
        _header,
        _other_language,
    )
    yield from (_no_equals, _name, _nothing, _block_text, _text, _listed, _braces, _bare)


_RULES = tuple(_rules())
