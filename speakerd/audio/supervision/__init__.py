"""Keeps the devices running: notices what is lost or silent, and opens it again."""
