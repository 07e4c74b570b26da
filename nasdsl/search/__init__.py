"""Searching a space: strategies, training, the run directory, resuming."""
