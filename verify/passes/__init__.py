"""System to system: each pass says what it needs, what it keeps, and how a trace is lifted back."""
