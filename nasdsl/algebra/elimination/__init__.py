"""Sums over all assignments of a factor graph, and the way back to single ones; knows nothing of spaces."""
