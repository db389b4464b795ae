"""Classification of labelled sequences: texts, or numbers over time."""
