"""What `scripts/real_speech_to_speech` runs."""
