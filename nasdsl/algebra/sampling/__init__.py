"""Architectures by index, at random, under limits, and near others."""
