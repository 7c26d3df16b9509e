"""Requests from outside: the control socket and the reload."""
