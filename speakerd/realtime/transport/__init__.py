# ruff: noqa: I001 -- it would write a statement for each name

"""The WebSocket to a model: the only package that imports `websockets`, a costly import.

- `websocket`: the model behind a WebSocket, which keeps its connection alive;
- `connector`: opens one connection; `url`: its address and headers; `safe_text`: errors without its key;
- `retry_policy`: when to connect again, when to give up, when to move to a fresh session.
"""

from speakerd.realtime.transport.connector import (
    TransportConfig as TransportConfig,
)
from speakerd.realtime.transport.safe_text import (
    SafeText as SafeText,
)
from speakerd.realtime.transport.url import (
    url_without_secrets as url_without_secrets,
    where_to as where_to,
)
from speakerd.realtime.transport.websocket import (
    CONNECT_ATTEMPTS as CONNECT_ATTEMPTS,
    OpenAIRealtimeWebSocketModel as OpenAIRealtimeWebSocketModel,
)
