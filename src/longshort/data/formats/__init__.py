"""One file a format of labelled sequences."""
