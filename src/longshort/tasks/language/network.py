"""The language model: embedding, recurrent layers, softmax over the vocabulary.

Letters: T time steps, B batch, E width of the last layer, V tokens that can come, which is the
vocabulary without padding: token number n is class n - 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.errors import ConfigError
from longshort.nn.blocks.dropout import SequenceDropout
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.language.config import LanguageModelConfig

_NARROWING = 4.0

States = list[tuple[Tensor, ...]]
"""The states of every layer, in the cell's order, [1, B, H] each."""


@dataclass(frozen=True)
class Read:
    """Outputs of the layers for a text, and the states after it."""

    raw: Tensor
    """Outputs of the last layer, [T, B, E]."""
    output: Tensor
    """The same after dropout."""
    states: States


class LanguageModel(nn.Module):
    """A network from token numbers [T, B] to the softmax's inputs, and to log probabilities."""

    def __init__(self, model: LanguageModelConfig, count: int) -> None:
        super().__init__()
        self.embedding = Embedding(count, model.embedding, model.embedding_dropout)
        last = model.embedding if model.tie else model.hidden
        self.layers = _layers(model, last)
        self.thin_input = _dropout(model, model.input_dropout)
        self.thin_hidden = _dropout(model, model.hidden_dropout)
        self.thin_output = _dropout(model, model.output_dropout)
        self.head: nn.Linear | None = None
        self.adaptive: nn.AdaptiveLogSoftmaxWithLoss | None = None
        self.bias: nn.Parameter | None = None
        if model.adaptive:
            self.adaptive = _adaptive(last, count - 1, model.adaptive)
        elif model.tie:
            self.bias = nn.Parameter(torch.zeros(count - 1))
        else:
            self.head = nn.Linear(last, count - 1)
        if model.init_range is not None:
            _start_uniform(self, model.init_range)

    def forward(self, numbers: Tensor, states: States | None = None) -> Read:
        """Read token numbers [T, B] from these states on; from zero states when absent.

        Vectors [T, B, E] stand for tokens too.
        """
        vectors = numbers if numbers.is_floating_point() else self.embedding(numbers)
        x = self.thin_input(vectors)
        raw, after = x, []
        for number, layer in enumerate(self.layers):
            raw, state = layer(x, None if states is None else _as_given(states[number]))
            after.append(_as_tuple(state))
            x = (self.thin_output if number + 1 == len(self.layers) else self.thin_hidden)(raw)
        return Read(raw, x, after)

    def step(self, numbers: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """Read one token of each text, [B].

        Returns the log probabilities of the next token, [B, V], and the states.
        """
        x, after = self.thin_input(self.embedding(numbers[None]))[0], []
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, Recurrent)
            x, state = layer.step(x, None if states is None else _as_given(states[number]))
            after.append(_as_tuple(state))
        return self.log_probabilities(x), after

    def losses(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return the nats of token numbers [...] given outputs [..., E]."""
        flat, classes = output.flatten(0, -2), targets.flatten() - 1
        if self.adaptive is not None:
            found: Tensor = -self.adaptive(flat, classes).output
        else:
            logs = self._logits(flat).log_softmax(-1)
            found = -logs.gather(1, classes[:, None]).squeeze(1)
        return found.view(targets.shape)

    def log_probabilities(self, output: Tensor) -> Tensor:
        """Return the log probabilities of all V tokens given outputs [N, E], as [N, V]."""
        if self.adaptive is not None:
            return self.adaptive.log_prob(output)
        return self._logits(output).log_softmax(-1)

    def contrasted(self, output: Tensor) -> Tensor:
        """Return scores [N, V] whose differences are log odds, of outputs [N, E]."""
        return self._logits(output) if self.adaptive is None else self.adaptive.log_prob(output)

    def _logits(self, output: Tensor) -> Tensor:
        if self.head is not None:
            logits: Tensor = self.head(output)
            return logits
        return F.linear(output, self.embedding.weight[1:], self.bias)


@torch.no_grad()
def _start_uniform(network: LanguageModel, bound: float) -> None:
    """Draw all weights and biases uniformly from ± `bound` (Zaremba et al., 2014).

    The vector of the padding stays 0.
    """
    for weight in network.parameters():
        nn.init.uniform_(weight, -bound, bound)
    network.embedding.weight[0] = 0.0


def _layers(model: LanguageModelConfig, last: int) -> nn.ModuleList:
    cell, width, layers = chosen_cell(model), model.embedding, nn.ModuleList()
    for hidden in [*[model.hidden] * (model.num_layers - 1), last]:
        dropout = model.weight_dropout
        layer = Recurrent(cell, width, hidden, weight_dropout=dropout, **layer_options(model))
        layers.append(layer)
        width = layer.output_size
    if width != last:
        raise ConfigError(
            f"model.cell: {model.cell} has {width} outputs for {last} units, and the softmax takes "
            f"{last}; take another cell, or leave a projection out of model.cell_options"
        )
    return layers


def _adaptive(width: int, count: int, ranks: tuple[int, ...]) -> nn.AdaptiveLogSoftmaxWithLoss:
    """Build an adaptive softmax, for token numbers that are in order of frequency.

    Rarer tokens are in clusters, each with a quarter of the width of the one before (Grave et al.,
    2017).
    """
    least = int(_NARROWING ** len(ranks))
    if width < least:
        raise ConfigError(
            f"model.adaptive: with {len(ranks)} ranks it needs {least} units or more in the last "
            f"layer, it has {width}"
        )
    if ranks[-1] >= count:
        raise ConfigError(
            f"model.adaptive: the last rank has to be below {count:,}, the number of tokens, got "
            f"{ranks[-1]:,}"
        )
    return nn.AdaptiveLogSoftmaxWithLoss(width, count, list(ranks), div_value=_NARROWING)


def detached(states: States) -> States:
    """Return the same states without their gradients."""
    return [tuple(value.detach() for value in state) for state in states]


def _dropout(model: LanguageModelConfig, rate: float | None) -> SequenceDropout:
    chosen = model.dropout if rate is None else rate
    return SequenceDropout(chosen, variational=model.variational)


def _as_tuple(state: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else state


def _as_given(state: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    return state if len(state) > 1 else state[0]
