"""What is counted, timed and shown.

- `MonitorFeed`: the live view of the speaker, handed to every `Subscription` as small entries (`Entry`).
- `TurnLog`: one line in the journal per turn, with its latencies and its tokens.
- `UsageStore`: turns and tokens by day, kept over restarts.
"""

from speakerd.daemon.metrics.monitor import Entry, MonitorFeed, Subscription
from speakerd.daemon.metrics.turn_log import TurnLog
from speakerd.daemon.metrics.usage_store import UsageStore

__all__ = ["Entry", "MonitorFeed", "Subscription", "TurnLog", "UsageStore"]
