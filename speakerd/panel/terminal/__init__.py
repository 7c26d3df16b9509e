"""Button and light in a terminal."""
