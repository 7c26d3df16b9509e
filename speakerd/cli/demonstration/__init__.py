"""The demo: a scene in a simulated room, and a talk on real sound."""
