"""From a state to the frames of a light, and the thread that draws them."""
