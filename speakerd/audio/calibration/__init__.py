"""Measures a room and proposes settings."""
