"""Search, sampling and scoring of token sequences by a model's log probabilities of the next token.

Only NumPy is used, so that an exported model decodes as a trained one does.
"""
