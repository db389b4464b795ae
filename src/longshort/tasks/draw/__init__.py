"""Drawing by pen strokes: how likely each point is, and new drawings."""
