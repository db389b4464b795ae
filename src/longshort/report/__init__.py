"""The report of a run: plots, the self-contained HTML page, and the model card."""
