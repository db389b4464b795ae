"""What is not normal in series."""
