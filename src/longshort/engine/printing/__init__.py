"""A cell's equations, its backward pass and its gradients as text and as LaTeX."""
