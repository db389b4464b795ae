"""Experiments: each measures one thing of a subject."""
