"""What networks are for: losses to learn by and metrics to be judged by."""
