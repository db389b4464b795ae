"""Explanations of single answers, of all answers, and of what goes on inside a network."""
