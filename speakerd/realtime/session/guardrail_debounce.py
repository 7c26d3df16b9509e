"""When output guardrails look at what is being said. Pure.

They look each time an item's text passes a multiple of `length` characters, and once more at its end if it has
grown since. One piece that passes several multiples makes one look.
"""

from __future__ import annotations

_MAX_ITEMS = 32
"""Items followed at a time: one response has one or two."""


class Debounce:
    """The texts of the items being said, and how far each has been looked at."""

    def __init__(self, length: int = 100) -> None:
        self._length = max(1, length)
        self._texts: dict[str, str] = {}
        self._looked: dict[str, int] = {}

    def feed(self, item_id: str, delta: str) -> str | None:
        """A further piece. The text to look at now, if it is time."""
        if item_id not in self._texts and len(self._texts) >= _MAX_ITEMS:
            oldest = next(iter(self._texts))
            del self._texts[oldest], self._looked[oldest]
        text = self._texts[item_id] = self._texts.get(item_id, "") + delta
        if len(text) // self._length <= self._looked.get(item_id, 0) // self._length:
            self._looked.setdefault(item_id, 0)
            return None
        self._looked[item_id] = len(text)
        return text

    def end(self) -> list[str]:
        """All has been said. The texts that were not looked at to their end."""
        rest = [text for item_id, text in self._texts.items() if len(text) > self._looked[item_id]]
        self._texts.clear()
        self._looked.clear()
        return rest
