"""A trace is a list of choices; its states are computed by replay."""
