"""What is counted, timed and shown: turns, latencies, usage, the monitor."""
