"""Metrics, significance, and linear baselines that several tasks share."""
