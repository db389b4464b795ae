"""From a cell's equations to code that runs: trace, derive, schedule, executors."""
