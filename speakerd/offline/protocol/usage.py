"""Token counts of a response, counted as a hosted model does: each response pays for the whole conversation.

User audio is one token per 100 ms, assistant audio one per 50 ms, text one per four letters. Nothing is billed; the
figures have the right size for a client that watches its spending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from speakerd.offline.items import Item

_MS_PER_TOKEN: Final = {"input_audio": 100, "output_audio": 50}
_LETTERS_PER_TOKEN: Final = 4


def text_tokens(text: str) -> int:
    """Return the tokens of a text: one per four letters, rounded up."""
    return -(-len(text) // _LETTERS_PER_TOKEN)


def item_tokens(item: Item) -> tuple[int, int]:
    """Return the text tokens and the audio tokens of one item."""
    text = sum(text_tokens(str(value)) for value in item.fields.values())
    audio = 0
    for part in item.content:
        text += text_tokens(part.words)
        audio += -(-part.audio_ms // _MS_PER_TOKEN.get(part.kind, 1)) if part.audio_ms else 0
    return text, audio


def usage(instructions: str, heard: Iterable[Item], said: Iterable[Item]) -> dict[str, Any]:
    """Return the `usage` object of `response.done`."""
    counts_in = [item_tokens(item) for item in heard]
    counts_out = [item_tokens(item) for item in said]
    text_in = text_tokens(instructions) + sum(text for text, _ in counts_in)
    audio_in = sum(audio for _, audio in counts_in)
    text_out = sum(text for text, _ in counts_out)
    audio_out = sum(audio for _, audio in counts_out)
    return {
        "input_tokens": text_in + audio_in,
        "output_tokens": text_out + audio_out,
        "total_tokens": text_in + audio_in + text_out + audio_out,
        "input_token_details": {
            "text_tokens": text_in,
            "audio_tokens": audio_in,
            "image_tokens": 0,
            "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }
