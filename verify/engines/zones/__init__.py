"""The zone engine: states that differ only in how much time is left are one, as a set of inequalities between clocks."""
