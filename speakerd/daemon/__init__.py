"""Puts the parts together: one process, one event loop, and the threads of sound and light beside it."""
