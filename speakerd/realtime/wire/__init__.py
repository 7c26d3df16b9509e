"""The protocol without I/O: JSON frames to model events, requests to JSON frames. No loop, clock or socket."""
