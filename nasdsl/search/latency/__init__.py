"""How the expected latency enters the loss of the architecture: forms of the loss, and the latency in parts."""
