"""Readers of labelled sequences, one file per format."""
