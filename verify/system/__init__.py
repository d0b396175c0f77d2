"""The narrow waist: a timed transition system as frozen data. Every engine, encoder and judge reads this and no more."""
