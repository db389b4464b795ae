"""Trained networks as graphs of a closed list of steps, run in NumPy without torch."""
