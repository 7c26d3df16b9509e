"""What is played: the buffer that can be flushed at any sample, its progress, gain, and the short sounds."""
