"""The training loop, which knows an abstract task only."""

from longshort.train.loop import TrainPlan, TrainResult, fit

__all__ = ["TrainPlan", "TrainResult", "fit"]
