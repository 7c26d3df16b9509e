"""Speech to text: pocketsphinx in a process of its own, and the schedule of what it is given."""
