"""Tagging of tokens: named entities, parts of speech, or any other label per token."""
