"""Initial weights of recurrent layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from longshort.errors import ConfigError, nearest

_GATES = {"LSTM": 4, "GRU": 3}
_FORGET = 1
"""Place of the forget gate among an LSTM's gates i, f, g, o."""


def initialise(layer: nn.RNNBase, scheme: str) -> None:
    """Set all weights of a layer in place.

    "recommended": recurrent weights orthogonal and input weights Xavier, each gate by itself,
    biases 0, an LSTM's forget bias 1 (Jozefowicz et al., 2015). "torch": uniform in ±1/sqrt(H).
    "chrono:T": as recommended, but forget biases log U(1, T-1) and input biases their negative,
    for dependencies up to T steps (Tallec & Ollivier, 2018).
    """
    if scheme == "torch":
        layer.reset_parameters()
        return
    longest = _chrono_length(scheme)
    if longest is not None and layer.mode != "LSTM":
        raise ConfigError(f"init: {scheme!r} sets gates that only an LSTM has; use 'recommended'")
    gates = _GATES.get(layer.mode, 1)
    for name, weight in layer.named_parameters():
        with torch.no_grad():
            if name.startswith("bias"):
                nn.init.zeros_(weight)
            else:
                rows = 1 if name.startswith("weight_hr") else gates
                for gate in weight.chunk(rows):
                    _init_gate(name, gate)
            if name.startswith("bias_ih") and layer.mode == "LSTM":
                _forget_bias(weight, longest)


def _init_gate(name: str, gate: Tensor) -> None:
    if name.startswith("weight_hh"):
        nn.init.orthogonal_(gate)
    else:
        nn.init.xavier_uniform_(gate)


def _forget_bias(bias: Tensor, longest: float | None) -> None:
    gates = bias.chunk(4)
    if longest is None:
        gates[_FORGET].fill_(1.0)
        return
    gates[_FORGET].uniform_(1.0, longest - 1.0).log_()
    gates[0].copy_(-gates[_FORGET])


def _chrono_length(scheme: str) -> float | None:
    if scheme == "recommended":
        return None
    name, _, length = scheme.partition(":")
    if name != "chrono":
        allowed = ("recommended", "torch", "chrono:<T>")
        raise ConfigError(f"init: {scheme!r} is not known; {nearest(scheme, allowed)}")
    if not length.isdigit() or int(length) < 3:
        raise ConfigError(f"init: write 'chrono:<T>' with the longest lag T >= 3, got {scheme!r}")
    return float(length)
