"""Metrics, naive rivals and checks that a result is real."""
