"""CUDA graphs: the steps of a loop are recorded, and replayed without launching them one by one.

A recording contains addresses, so the tensors of the loop are kept: its inputs are copied into them
before a run, and its results out of them afterwards.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import torch
from torch import Tensor

from longshort.engine.executors.common.contract import Tensors

RECORDINGS = 8
"""Number of loops whose recordings are kept; each keeps its tensors."""

LOCK = threading.RLock()
"""Held from the first copy into a recording to the last copy out of it."""

_KEPT: OrderedDict[Hashable, Recording] = OrderedDict()


def records(like: Tensor) -> bool:
    """Whether loops on such tensors are recorded."""
    return like.is_cuda and not torch.cuda.is_current_stream_capturing()


class Recording:
    """A loop for certain sizes: the first run is normal and compiles, the second is recorded."""

    def __init__(self, filled: Tensors, given: Tensors) -> None:
        self.filled, self.given = filled, given
        self._runs = 0
        self._replay: Callable[[], None] | None = None

    def run(self, tensors: Tensors, loop: Callable[[Tensors], None]) -> None:
        """Run the loop on inputs from `tensors`; its results are in `filled`."""
        for name, kept in self.given.items():
            kept.copy_(tensors[name])
        self._runs += 1
        if self._runs == 1:
            loop(self.given | self.filled)
            return
        if self._replay is None:
            self._replay = record(lambda: loop(self.given | self.filled))
        self._replay()

    def copies(self) -> Tensors:
        """Return copies of the tensors that the next run overwrites."""
        return {name: value.clone() for name, value in self.filled.items()}


def record(work: Callable[[], None]) -> Callable[[], None]:
    """Record the kernels that `work` launches; returns a function that launches them again."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    return graph.replay


def recall(key: Hashable, like: Tensor, make: Callable[[], Recording]) -> Recording:
    """Return the recording for these sizes on the current stream."""
    stream = torch.cuda.current_stream(like.device).cuda_stream if like.is_cuda else 0
    whole = (key, like.dtype, like.device, stream)
    if whole not in _KEPT:
        _KEPT[whole] = make()
    _KEPT.move_to_end(whole)
    while len(_KEPT) > RECORDINGS:
        _KEPT.popitem(last=False)
    return _KEPT[whole]
