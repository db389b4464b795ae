"""The story of a run, whatever its task: it knows the contract of a task and no task."""
