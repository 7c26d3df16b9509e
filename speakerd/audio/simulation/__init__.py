"""A sound device, a room and a person, simulated: for the demo and for tests."""
