"""Passes: each file answers one question about a graph, or makes a new graph of it."""
