"""From edges of a pin to gestures. Pure."""
