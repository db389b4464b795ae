"""Layers as files that run without longshort."""
