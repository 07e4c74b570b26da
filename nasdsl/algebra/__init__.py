"""Questions about whole spaces: drawing architectures."""
