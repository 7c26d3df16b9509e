"""The port to a realtime model: its configuration, what it is asked and what it tells. No socket, no JSON."""
