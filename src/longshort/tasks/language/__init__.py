"""Language modelling: the next token of a running text."""
