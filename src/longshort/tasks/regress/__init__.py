"""Numbers from sequences."""
