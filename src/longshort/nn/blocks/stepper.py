"""A network in the middle of its targets, as decoding asks for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.nn.blocks.decoder import Decoder, DecoderState

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class TorchStepper:
    """A decoder with the state of n targets; source [S, n]: what they may copy, if anything."""

    decoder: Decoder
    state: DecoderState
    source: Tensor | None = None

    @torch.no_grad()
    def step(self, tokens: Ints) -> tuple[Floats, Floats | None, TorchStepper]:
        """Return log probabilities [n, V], attention [n, S] or None, and the state after."""
        numbers = torch.from_numpy(tokens).to(self.decoder.bias.device)
        found, state = self.decoder.step(numbers, self.state)
        logs = self.decoder.log_probs(found, self.source)[0].float().cpu().numpy()
        weights = None if found.weights is None else found.weights[0].float().cpu().numpy()
        return logs, weights, TorchStepper(self.decoder, state, self.source)

    def take(self, rows: Ints) -> TorchStepper:
        """Return the stepper of these targets, which may repeat."""
        chosen = torch.from_numpy(rows).to(self.decoder.bias.device)
        source = None if self.source is None else self.source.index_select(1, chosen)
        return TorchStepper(self.decoder, self.state.take(chosen), source)
