"""One realtime session, seen from the daemon: how it is made, what goes up, and what its events mean."""
