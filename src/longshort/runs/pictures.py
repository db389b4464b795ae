"""The pictures of a finished run's report, as figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from longshort.data.splits import S
from longshort.report.plots import training_curves
from longshort.report.sections import Picture
from longshort.report.svg import svg_of
from longshort.runfolder import ENV, METRICS, SCORES, RunFolder
from longshort.runs.result import Result
from longshort.runs.task import C, E, P
from longshort.runs.trained import Trained
from longshort.train.loop import TrainResult


class Pictures(dict[str, Figure]):
    """Figures by name; a notebook shows them all."""

    def _repr_html_(self) -> str:
        return "\n".join(f"<h4>{name}</h4>{svg_of(figure)}" for name, figure in self.items())


def pictures(path: Path, trained: Trained[C, S, E, P]) -> Pictures:
    """Return the pictures of the report of the run in the folder `path`, drawn anew.

    The test split is predicted again, by the baselines too. Raises `RunError` if the run's data is
    gone or has changed.
    """
    result = _result(path, trained)
    blocks = (block for each in trained.task.sections(result) for block in each.blocks)
    drawn = {block.name: block.figure for block in blocks if isinstance(block, Picture)}
    return Pictures(drawn | {"training": training_figure(result)})


def training_figure(result: Result[C, S, E, P]) -> Figure:
    """Return the curves of the training: loss, validation score and learning rate."""
    training = result.training
    measure = str(result.scores["training"]["measure"])
    return training_curves(training.history, training.best_epoch, measure, apart=True)


def _result(path: Path, trained: Trained[C, S, E, P]) -> Result[C, S, E, P]:
    """Return the result of the run as it was at its end."""
    folder = RunFolder.open(path)
    splits, encoded, found = trained.score_again()
    scores = folder.read_json(SCORES)
    return Result(
        trained.model,
        splits,
        encoded,
        splits.findings,
        found,
        scores,
        trained.task.test_table(trained.model, found),
        _training(folder, scores["training"]),
        folder.read_json(ENV),
    )


def _training(folder: RunFolder, known: dict[str, Any]) -> TrainResult:
    """Return what the run's files say of its training."""
    lines = folder.file(METRICS).read_text("utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    return TrainResult(known["best_epoch"], known["best_val_score"], history, known["reason"], 0.0)
