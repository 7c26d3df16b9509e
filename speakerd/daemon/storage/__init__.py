"""What outlives a restart: volume, usage."""
