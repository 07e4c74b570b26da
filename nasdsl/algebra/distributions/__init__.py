"""Probabilities over the architectures of a space, and how often each value is used."""
