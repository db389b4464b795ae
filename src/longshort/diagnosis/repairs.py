"""Changes of a module or of its batches that are tried: other weights, other cells, other order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from longshort.diagnosis.capture import recurrent_layers


def begun_anew(module: nn.Module, seed: int) -> None:
    """Initialise all recurrent layers in place, as `nn.initialise` recommends for an LSTM.

    Recurrent weights orthogonal for each gate, input weights Xavier, biases 0, and 1 for the forget
    gates of an LSTM. Linear layers whose outputs are all alike start as torch's do.
    """
    torch.manual_seed(seed)
    with torch.no_grad():
        for layer in recurrent_layers(module).values():
            for name, weight in layer.named_parameters():
                _begin(name, weight, layer.hidden_size, is_lstm="LSTM" in type(layer).__name__)
        for each in module.modules():
            if isinstance(each, nn.Linear):
                _draw_if_alike(each)


def _draw_if_alike(linear: nn.Linear) -> None:
    if len(linear.weight) > 1 and bool((linear.weight == linear.weight[0]).all()):
        linear.reset_parameters()


def _begin(name: str, weight: Tensor, hidden: int, *, is_lstm: bool) -> None:
    if "weight_hh" in name and weight.size(-1) == hidden:
        for rows in torch.split(weight, hidden):
            nn.init.orthogonal_(rows)
    elif weight.dim() > 1:
        for rows in torch.split(weight, hidden):
            nn.init.xavier_uniform_(rows)
    else:
        nn.init.zeros_(weight)
        if is_lstm and "bias_ih" in name:
            weight[hidden : 2 * hidden] = 1.0


class _AsRNN(nn.Module):
    """An LSTM that returns its state as an RNN does: h alone."""

    def __init__(self, like: nn.RNN) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            like.input_size,
            like.hidden_size,
            like.num_layers,
            batch_first=like.batch_first,
            bidirectional=like.bidirectional,
        )

    def forward(self, x: Any, h: Tensor | None = None) -> tuple[Any, Tensor]:
        """Return outputs and the last h, as `nn.RNN` does."""
        state = None if h is None else (h, torch.zeros_like(h))
        output, (last, _) = self.lstm(x, state)
        return output, last


@contextmanager
def with_lstm(module: nn.Module, seed: int) -> Iterator[None]:
    """Put LSTMs of the same sizes in the place of plain RNNs, inside the block."""
    torch.manual_seed(seed)
    places = [
        (owner, name, child)
        for owner in module.modules()
        for name, child in owner.named_children()
        if isinstance(child, nn.RNN)
    ]
    try:
        for owner, name, child in places:
            other = _AsRNN(child)
            begun_anew(other, seed)
            setattr(owner, name, other)
        yield
    finally:
        for owner, name, child in places:
            setattr(owner, name, child)


def can_be_mixed(batches: Sequence[Any]) -> bool:
    """Whether batches are tuples of tensors with one sample a row, all of the same widths."""
    shapes = {
        tuple(x.shape[1:] if isinstance(x, Tensor) else (-1,) for x in batch)
        for batch in batches
        if isinstance(batch, (tuple, list))
    }
    sizes = [
        {len(x) for x in batch if isinstance(x, Tensor) and x.dim()}
        for batch in batches
        if isinstance(batch, (tuple, list))
    ]
    are_rows = len(sizes) == len(batches) and all(len(each) == 1 for each in sizes)
    return are_rows and len(shapes) == 1 and (-1,) not in next(iter(shapes))


def mixed(batches: Sequence[Any], seed: int) -> list[Any]:
    """Return batches of the same sizes whose samples are drawn from all of them."""
    draw = torch.Generator().manual_seed(seed)
    sizes = [len(batch[0]) for batch in batches]
    order = torch.randperm(sum(sizes), generator=draw)
    columns = [
        torch.split(torch.cat(list(column))[order], sizes) for column in zip(*batches, strict=True)
    ]
    return list(zip(*columns, strict=True))


def shifted(batch: Any, steps: int) -> Any:
    """Return a batch whose targets are moved by so many steps along dimension 1."""
    inputs, targets, *rest = batch
    return (inputs, targets.roll(steps, 1), *rest)
