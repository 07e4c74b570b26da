"""Spaces with costs: bounds, counts under limits, histograms and Pareto sets."""
