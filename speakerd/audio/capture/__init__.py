"""From microphone samples to speech events: echo canceller, voice detection, gate, barge-in, wake word. Pure."""
