"""The reference of all settings, made from the settings themselves: `python -m speakerd.config.template`.

The output is `config/reference.toml`; a test compares the two, so that the file names every setting with its
current default. The explanation of a setting is written once, below the field in the source.
"""

import re
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from speakerd.config import schema
from speakerd.config.settings import Settings
from speakerd.config.toml_writer import toml_value

_WIDTH = 108

# Sections name their own table in their docstrings, which would repeat the header.
_TABLE_NAME = re.compile(r"\s*\(`\[[^\]]*\]`[^)]*\)|`\[[^\]]*\]`:?")

_HEAD = """\
speakerd: every setting there is, with its default, to look them up. Copy the lines that you change, each below the
[table] that it is in here, to /etc/speakerd/speakerd.toml; what is not set there has its default, also when a later
version has a better one. The API key does not stand there: `sudo scripts/install --key` asks for it.
"""


def template() -> str:
    """Return the whole file, ending in a newline."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for line in _HEAD.splitlines():
        yield f"# {line}"
    for entry in schema.entries(Settings):
        if isinstance(entry, schema.Section):
            yield ""
            if entry.path:
                about = _TABLE_NAME.sub("", entry.doc).strip(" :.")
                yield from _comment(about[:1].upper() + about[1:])
                yield f"[{'.'.join(entry.path)}]"
        else:
            yield from _comment(entry.doc)
            yield from _assignment(entry)


def _limits(allowed: str) -> str:
    """Return the allowed values as a comment after the value; nothing if the value shows them itself."""
    if allowed.startswith("a text in quotes") or allowed == "true or false":
        return ""
    if allowed.startswith('"'):
        allowed = allowed.replace(" or ", " | ")
    for plain in ("a whole number ", "a number "):
        if not allowed.startswith(f"{plain}or "):
            allowed = allowed.removeprefix(plain).removeprefix("from ")
    return f"   # {allowed}"


def _assignment(entry: schema.Setting) -> Iterator[str]:
    name = entry.path[-1]
    if entry.default is None:
        yield f"# {name} ={_limits(entry.allowed)}"
    elif entry.element is not None and not entry.default:
        yield from _example(f"[[{entry.key}]]", entry.element)
    elif entry.group is not None and not entry.default:
        yield from _example(f"[{entry.key}.NAME]", entry.group)
    else:
        yield f"{name} = {toml_value(entry.default)}{_limits(entry.allowed)}"


def _example(header: str, element: type) -> Iterator[str]:
    """Yield a commented example of a table, since there is none by default."""
    yield f"# {header}"
    docs = schema.field_docs(element)
    for name, hint, default in schema.fields(element):
        value = _or_needed(default)
        yield from _comment(f"  {docs.get(name, '')}")
        yield f"# {name} = {value}".rstrip() + _limits(schema.allowed(hint))


def _or_needed(default: Any) -> str:
    try:
        return toml_value(default)
    except TypeError:  # None, or no default: the owner must write a value
        return ""


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False):
        yield f"# {line}"


def main() -> int:
    """Print the default file."""
    sys.stdout.write(template())
    return 0


if __name__ == "__main__":
    sys.exit(main())
