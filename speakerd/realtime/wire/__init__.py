# ruff: noqa: I001 -- it would write a statement for each name

"""The protocol without I/O: JSON frames to model events, requests to JSON frames. No loop, clock or socket.

- `protocol`: the class that a transport drives;
- `receive`, `receive_items`, `receive_responses`, `receive_hosted`: what each server event means;
- `codec`: JSON and base64; `parsing`: lenient reading;
- `send`: what each request becomes; `encoding`: client events as JSON text;
- `state`: what both directions share;
- `response_queue`: who may ask for a response, and when; `response`: responses and requests for them;
- `due`: what has to come by when, and how often anything may be asked; `overdue`: what follows if it does not come;
- `server_ids`: one name for each response, item and call, over all connections;
- `identities`: one for what the server names badly on a connection;
- `hosted_calls`: the tools that the server runs itself;
- `playback_position`: what was heard of the received audio, and what an interruption has to cut;
- `session_settings`: which settings have to be sent;
- `resend_buffer`, `history_replay`: what a new connection is told.
"""

from speakerd.realtime.wire.due import (
    HANDSHAKES as HANDSHAKES,
    Allowance as Allowance,
    Allowances as Allowances,
    Liveness as Liveness,
)
from speakerd.realtime.wire.protocol import (
    RealtimeProtocol as RealtimeProtocol,
)
