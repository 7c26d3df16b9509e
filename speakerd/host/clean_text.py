"""Text from outside (a model, a server, a tool, a peer) on its way to a terminal, the journal or a client. Pure.

Control characters would move the cursor, change colours or forge a line; overrides of the direction of writing
would show something else than what is there; a lone surrogate cannot be written at all. Each becomes U+FFFD, and
what only moves on to another place becomes a space.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
_MOVES: Final = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
_SUSPECT: Final = "\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_ON_ONE_LINE: Final = re.compile(f"[{_SUSPECT}]")
_ON_LINES: Final = re.compile(f"(?![\n\t\u2028\u2029])[{_SUSPECT}]")


def clean(text: str, *, longest: int | None = None, lines: bool = False) -> str:
    """Return `text` without what could do harm, and not longer than `longest`, an ellipsis included.

    Args:
        text: any text.
        longest: characters; None for no limit.
        lines: keep line breaks and tabs: where it is written they can forge nothing.
    """
    if longest is not None and len(text) > longest:
        text = text[: max(0, longest - 1)] + "…"
    pattern = _ON_LINES if lines else _ON_ONE_LINE
    return pattern.sub(_harmless, text) if pattern.search(text) else text


def clean_values(value: Any, *, longest: int | None = None, lines: bool = False) -> Any:
    """Return a JSON value of which every text, names included, is clean."""
    if isinstance(value, str):
        return clean(value, longest=longest, lines=lines)
    if isinstance(value, Mapping):
        return {
            clean(name, longest=longest) if isinstance(name, str) else name: clean_values(
                item, longest=longest, lines=lines
            )
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [clean_values(item, longest=longest, lines=lines) for item in value]
    return value


def _harmless(match: re.Match[str]) -> str:
    return " " if match[0] in _MOVES else REPLACED
