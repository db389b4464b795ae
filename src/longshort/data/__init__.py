"""From files and frames to windows: sources, schema, timeline, panel, transforms, split."""
