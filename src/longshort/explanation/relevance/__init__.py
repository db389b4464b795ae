"""Layer-wise relevance propagation, derived from the equations of a cell and of a network."""
