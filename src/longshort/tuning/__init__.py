"""Choosing settings by trials: search, answers to common questions, and fair comparison."""
