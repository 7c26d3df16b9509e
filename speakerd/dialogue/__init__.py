"""Turn-taking: who may speak now, as one sans-I/O state machine (being built)."""
