"""The report of a run: pictures, one self-contained HTML file, the model card."""
