"""Tagging of tokens: named entities, parts of speech, and whatever else has a label a token."""
