"""Studies of settings: searches in rungs, and answers to common questions about them."""
