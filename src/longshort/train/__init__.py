"""The training loop, which knows an abstract task only."""

from longshort.tasks.task import TrainPlan
from longshort.train.loop import TrainResult, fit

__all__ = ["TrainPlan", "TrainResult", "fit"]
