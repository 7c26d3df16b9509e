"""From text to action: grammar, numbers, intents, and the tool that fits. Pure."""
