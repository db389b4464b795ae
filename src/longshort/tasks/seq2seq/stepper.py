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
    """A decoder with the state of n targets; source [S, n]: what they may copy."""

    decoder: Decoder
    state: DecoderState
    source: Tensor

    @torch.no_grad()
    def step(self, tokens: Ints) -> tuple[Floats, Floats | None, TorchStepper]:
        """Return log probabilities [n, V], attention [n, S] or None, and the state after."""
        numbers = torch.from_numpy(tokens).to(self.source.device)
        found, state = self.decoder.step(numbers, self.state)
        logs = self.decoder.log_probs(found, self.source)[0].float().cpu().numpy()
        weights = None if found.weights is None else found.weights[0].float().cpu().numpy()
        return logs, weights, TorchStepper(self.decoder, state, self.source)

    def take(self, rows: Ints) -> TorchStepper:
        """Return the stepper of these targets, which may repeat."""
        chosen = torch.from_numpy(rows).to(self.source.device)
        taken = self.state.take(chosen)
        return TorchStepper(self.decoder, taken, self.source.index_select(1, chosen))
