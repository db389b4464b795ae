"""From a cell's equations to executable code: trace, derive, schedule, executors."""
