"""A run from data to report, the same for every task; nothing here knows a particular task."""
