"""Networks as graphs: what may fail together, what survives, and how much it still carries. Knows no machines and no time."""
