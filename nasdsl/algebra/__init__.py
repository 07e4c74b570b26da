"""Questions about whole spaces: counts, bounds, draws, fronts, distributions, distinct networks."""
