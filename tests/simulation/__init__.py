"""The whole speaker in one process, on virtual time, over a network of memory: the same seed gives the same run."""
