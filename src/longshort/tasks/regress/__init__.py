"""Regression: numbers predicted from texts or from sequences of numbers."""
