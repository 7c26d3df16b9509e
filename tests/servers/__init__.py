"""Realtime servers in imitation: each refuses what the real one refuses, and does what it does.

They are written from what vendors document and from the source of servers, not from `speakerd.realtime.dialects`: each
class says which facts it imitates, where they are from and how old they are. None was ever compared with the real one.
"""
