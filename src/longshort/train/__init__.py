"""The training loop; it knows no task."""
