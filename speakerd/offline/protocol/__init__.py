"""The server half of the realtime protocol, without I/O."""
