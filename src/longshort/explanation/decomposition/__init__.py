"""Contextual decomposition, derived from the equations of a cell (Murdoch et al., 2018)."""
