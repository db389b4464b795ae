"""Anomalies in series: scores, thresholds and events."""
