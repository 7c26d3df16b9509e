"""One realtime session, seen from the daemon.

- `SessionLink` runs a conversation: opens a session, empties the `UplinkQueue` into it, reports what comes back.
- `UplinkQueue` holds what waits to be sent: `CapturedSpeech`, the dialogue's commands, `SetTurnDetection`.
- `SessionFactory` opens sessions, with the model of the settings or with the `EmbeddedServer`; `Backend` says
  which.
- `LiveApiKey` is what it opens them with.
- `SessionRenewal` brings new settings into a session that is kept between conversations.
- `PlaybackTracker` tells the session layer how much of each answer was heard.
- `details_of`: what the monitor and the journal want to know of a session event.
"""

from speakerd.daemon.session.api_key import LiveApiKey
from speakerd.daemon.session.event_translation import details_of
from speakerd.daemon.session.playback_tracker import PlaybackTracker
from speakerd.daemon.session.session_factory import BACKENDS, Backend, EmbeddedServer, SessionFactory
from speakerd.daemon.session.session_link import SessionLink
from speakerd.daemon.session.session_renewal import SessionRenewal
from speakerd.daemon.session.uplink_queue import CapturedSpeech, SetTurnDetection, UplinkQueue

__all__ = [
    "BACKENDS",
    "Backend",
    "CapturedSpeech",
    "EmbeddedServer",
    "LiveApiKey",
    "PlaybackTracker",
    "SessionFactory",
    "SessionLink",
    "SessionRenewal",
    "SetTurnDetection",
    "UplinkQueue",
    "details_of",
]
