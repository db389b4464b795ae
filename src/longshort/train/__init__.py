"""The training loop, which knows an abstract task only."""

from longshort.train.learning import TrainPlan
from longshort.train.loop import TrainResult, fit

__all__ = ["TrainPlan", "TrainResult", "fit"]
