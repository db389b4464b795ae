"""Choosing settings by trials: search, and fair comparison."""
