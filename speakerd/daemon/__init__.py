"""The daemon: one process with one event loop, and threads for sound and light."""
