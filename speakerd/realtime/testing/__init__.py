"""For tests, yours as well as ours: a model that plays a script, and a server on loopback that does.

`scripted.ScriptedRealtimeModel` stands in for the model and knows nothing of a network: use it to test what a
session does. `loopback` has a real WebSocket server that plays server events, records client events and injects
faults: use it to test the way over the wire.
"""
