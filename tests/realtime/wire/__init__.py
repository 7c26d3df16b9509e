"""Conversations over a real WebSocket as data: a server's script, what a program does, what must come of it.

`cases_*.py` hold the cases, `case.py` the words they are written in, `driver.py` runs one through any session
layer that has the documented API; `scripts/conformance` compares ours with another.
"""
