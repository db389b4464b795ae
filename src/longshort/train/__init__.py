"""The training loop, which knows a network in training and no task."""
