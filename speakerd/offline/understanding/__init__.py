"""From a sentence to an answer. Pure.

`intents` finds out what a sentence wants, `numbers` reads numbers, `tool_matching` finds the client's tool that
does it, `responder` decides what to say and which tools to call.
"""

from speakerd.offline.understanding.responder import Responder

__all__ = ["Responder"]
