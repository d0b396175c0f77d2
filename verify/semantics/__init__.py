"""What a system means: its initial states, its steps, and whether a run satisfies a property."""
