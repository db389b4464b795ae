"""Ways to run a graph: one module each, same inputs and outputs."""
