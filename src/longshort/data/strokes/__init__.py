"""Pen strokes: reading, resampling, normalising, augmenting and drawing them, in NumPy."""
