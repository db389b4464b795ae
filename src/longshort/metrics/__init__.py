"""Metrics, naive baselines and checks that a result is real."""
