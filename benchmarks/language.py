"""Training speed of language models: our layers, and the same model on torch.nn.LSTM.

python benchmarks/language.py [SECONDS] prints tokens per second, the best step of each, in turns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch
from torch import nn

from longshort.config.language import LanguageModelConfig
from longshort.tasks.language.network import LanguageModel, States, detached

SETUPS = {
    "ptb 2 x 200, tied": (10_001, 200, 2, 35, 20),
    "characters 2 x 256": (67, 256, 2, 64, 32),
    "characters 1 x 512": (67, 512, 1, 128, 32),
}
"""Vocabulary, width, layers, steps, streams."""


def stepper(
    network: LanguageModel, vocabulary: int, steps: int, streams: int
) -> Callable[[], float]:
    """A training step that tells its seconds."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    chunk = torch.randint(1, vocabulary, (steps + 1, streams))
    states: States | None = None

    def step() -> float:
        nonlocal states
        begin = time.perf_counter()
        read = network(chunk[:-1], states)
        states = detached(read.states)
        optimizer.zero_grad()
        network.losses(read.output, chunk[1:]).mean().backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        return time.perf_counter() - begin

    return step


def compare(setup: tuple[int, int, int, int, int], seconds: float) -> tuple[float, float]:
    """Tokens per second of ours and of torch's."""
    vocabulary, width, layers, steps, streams = setup
    config = LanguageModelConfig(hidden=width, embedding=width, num_layers=layers)
    ours, theirs = LanguageModel(config, vocabulary), LanguageModel(config, vocabulary)
    theirs.layers = nn.ModuleList(nn.LSTM(width, width) for _ in range(layers))
    both = [stepper(network, vocabulary, steps, streams) for network in (ours, theirs)]
    best = [float("inf"), float("inf")]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for number, step in enumerate(both):
            best[number] = min(best[number], step())
    return steps * streams / best[0], steps * streams / best[1]


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    for name, setup in SETUPS.items():
        ours, theirs = compare(setup, seconds)
        print(
            f"{name}: {ours:,.0f} tokens/s, torch.nn.LSTM {theirs:,.0f}, {ours / theirs:.2f} times"
        )


if __name__ == "__main__":
    main()
