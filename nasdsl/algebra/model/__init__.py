"""From a space to its factor graph: variables for decisions and routes, tables for liveness and rules."""
