"""Drawing from Python: settings, then `fit`, whose run draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from longshort.api.estimator import Estimator
from longshort.api.fitting import given, is_file, with_data, with_splits
from longshort.api.runs import TaskRun
from longshort.data.strokes.given import inks_of
from longshort.data.strokes.ink import Ink
from longshort.errors import DataError
from longshort.runs.pen import Pen
from longshort.runs.task import Say, quiet
from longshort.train.events import Listener, silent


class Drawer(Estimator):
    """A model of pen strokes: settings first, then `fit`, whose run draws.

    condition: what the network is conditioned on: "nothing"; "label", one class of several; or
    "text", whose characters a window attends to. Decided by the labels when absent. mixtures:
    normal distributions of the next point. `settings` takes any key of `config.toml`, such as
    {"train.max_epochs": 10}.
    """

    task = "draw"
    keys: ClassVar[Mapping[str, str]] = {
        "condition": "data.condition",
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "mixtures": "model.mixtures",
        "seed": "train.seed",
    }

    def __init__(
        self,
        *,
        condition: str | None = None,
        cell: str | None = None,
        hidden: int | None = None,
        num_layers: int | None = None,
        mixtures: int | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.condition, self.cell, self.hidden = condition, cell, hidden
        self.num_layers, self.mixtures = num_layers, mixtures
        self.seed, self.settings = seed, settings
        self._check()

    def fit(
        self,
        drawings: Any,
        labels: Iterable[object] | None = None,
        *,
        val: object = None,
        test: object = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> DrawRun:
        """Draw splits, train and evaluate; the run is kept in the folder `out`.

        drawings: a file, or a list of drawings, each an `Ink`, a list of strokes [n, 2], or rows
        (dx, dy, pen), with a label or a text for each in `labels`, or none. val, test: files, or
        pairs (drawings, labels) of these splits, which are drawn when absent. Without `out` the run
        lies in a temporary folder. verbose: whether remarks and progress are shown; None: on a
        terminal and in a notebook.
        """
        settings = with_data(self._nested(), drawings, {})
        items, files = with_splits(_read(drawings, labels), {"val": val, "test": test}, _read)
        settings["data"].update(given(files))
        made = self._run(
            settings, items, out, overwrite=overwrite, verbose=verbose, say=say, listen=listen
        )
        self.run_ = run = DrawRun(*made)
        return run


def _read(drawings: Any, labels: Any = None) -> object:
    if drawings is None or is_file(drawings):
        if labels is not None:
            raise DataError("labels: stand in the file")
        return drawings
    return inks_of(drawings, labels)


class DrawRun(TaskRun):
    """A finished run: its scores, its report, and the drawing model in it."""

    def draw(
        self,
        told: str | None = None,
        *,
        count: int = 1,
        bias: float = 0.0,
        seed: int = 0,
        prime: Ink | None = None,
        primed: str | None = None,
        most: int | None = None,
    ) -> list[Ink]:
        """Return new drawings in the data's unit.

        told: the label, or the text to write, where the run is told one. count: number of drawings.
        bias: the larger, the likelier and tidier they are; 0 draws from the model as it is. prime:
        a drawing that is gone on with; of texts, a sample of the hand to write in, which says
        `primed`. most: points of a drawing; as many as the longest in training when None. Raises
        `ConfigError` for values out of range.
        """
        return self._trained.draw(Pen(count, bias, seed, told, prime, primed, most))
