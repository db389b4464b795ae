"""What is said of weights that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from longshort.errors import RunError
from longshort.train.checkpoint import load_weights


def test_weights_of_other_names_are_refused_with_what_to_do() -> None:
    layer = nn.Linear(2, 1)
    tensors = {**layer.state_dict(), "older.weight": torch.zeros(1)}
    with pytest.raises(RunError, match=r"run/m: does not fit .*'older.weight'; .* Train again"):
        load_weights(layer, tensors, Path("run/m"))
