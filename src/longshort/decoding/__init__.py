"""Token sequences from a model that gives one step's log probabilities: search, sampling, scoring.

NumPy alone, so that an exported model decodes as a trained one does.
"""
