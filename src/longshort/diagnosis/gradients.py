"""The gradient per lag of several cells side by side, and of a run's own network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from longshort.cells.named import find_cell
from longshort.diagnosis.capture import layer_inputs, recurrent_layers
from longshort.diagnosis.experiments.lags import Floats, norms_per_lag, plot_of, slope_of
from longshort.diagnosis.subject import Subject
from longshort.errors import DataError
from longshort.nn.recurrent import Recurrent

CELLS = ("RNN", "LSTM", "GRU", "JANET", "IndRNN", "MogrifierLSTM")
"""Cells that are drawn, at their initial weights."""
_FEWEST = 8


@dataclass(frozen=True)
class Gradients:
    """Norms of the gradient per lag, by cell or layer."""

    norms: Mapping[str, Floats]

    @property
    def slopes(self) -> dict[str, float]:
        """Slope of the natural logarithm per step back: below 0 vanishing, above exploding."""
        return {name: slope_of(each) for name, each in self.norms.items()}

    def lines(self) -> list[str]:
        """Return a line for each cell or layer."""
        return [f"{name}: {_words(slope)}" for name, slope in self.slopes.items()]

    def svg(self) -> str:
        """Return the picture."""
        from longshort.diagnosis.pictures import figure_of
        from longshort.report.svg import svg_of

        return svg_of(figure_of(plot_of(dict(self.norms))))


def gradients_of(subject: Subject, cells: tuple[str, ...] = CELLS) -> Gradients:
    """Measure each cell at its start, of the size and on the data of the first recurrent layer.

    The subject's own layers follow, with their present weights. Raises `DataError` where no
    recurrent layer reads at least 8 steps.
    """
    own = recurrent_layers(subject.module)
    with subject.untouched():
        subject.module.eval()
        read = {n: x for n, x in layer_inputs(subject, subject.batches[0]).items() if x.dim() == 3}
    read = {n: x for n, x in read.items() if x.size(1 if own[n].batch_first else 0) >= _FEWEST}
    if not read:
        raise DataError(
            f"gradients: no recurrent layer reads sequences of {_FEWEST} steps or more; give "
            "longer sequences"
        )
    first, x = next(iter(read.items()))
    sequence = x.transpose(0, 1) if own[first].batch_first else x
    found = {
        f"{name}, untrained": _of_cell(name, sequence, own[first].hidden_size, subject.seed)
        for name in cells
    }
    for name, values in read.items():
        found[f"own {name or 'network'}"] = norms_per_lag(own[name], values, subject.seed)
    return Gradients(found)


def _of_cell(name: str, x: Tensor, hidden: int, seed: int) -> Floats:
    torch.manual_seed(seed)
    layer = Recurrent(find_cell(name)(), x.size(-1), hidden)
    return norms_per_lag(layer, x, seed)


def _words(slope: float) -> str:
    if slope < 0:
        return f"vanishes, halves every {math.log(2) / -slope:.3g} steps back"
    return f"grows, doubles every {math.log(2) / max(slope, 1e-9):.3g} steps back"
