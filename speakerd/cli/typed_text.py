"""Words of the command line as the texts that were typed."""

from __future__ import annotations

import os


def typed_text(word: str) -> str:
    """Return a word of the command line as a text, read as UTF-8 where the locale could not read it.

    Under `LC_ALL=C`, without the interpreter's UTF-8 mode, each byte of a letter that is no ASCII comes as one half
    of a character.

    Raises:
        ValueError: it is no UTF-8 either; the text says which byte, and what to do.
    """
    if not any("\udc80" <= char <= "\udcff" for char in word):
        return word
    try:
        return os.fsencode(word).decode("utf-8")
    except UnicodeEncodeError:
        return word  # not from a command line
    except UnicodeDecodeError as error:
        raise ValueError(
            f"byte 0x{error.object[error.start]:02X} of the text is not UTF-8: set the terminal to UTF-8"
        ) from None
