"""Straightforward implementations of published equations, to compare with."""
