"""The names of all events that a client may send."""

from __future__ import annotations

from typing import Final

from speakerd.realtime import event_names as names

CLIENT_EVENTS: Final = frozenset(
    {
        names.SESSION_UPDATE,
        names.INPUT_AUDIO_APPEND,
        names.INPUT_AUDIO_COMMIT,
        names.INPUT_AUDIO_CLEAR,
        names.ITEM_CREATE,
        names.ITEM_RETRIEVE,
        names.ITEM_TRUNCATE,
        names.ITEM_DELETE,
        names.RESPONSE_CREATE,
        names.RESPONSE_CANCEL,
        names.OUTPUT_AUDIO_CLEAR,
    }
)
