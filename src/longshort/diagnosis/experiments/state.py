"""The state between batches: whether there is one, and whether it is detached."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from longshort.diagnosis.capture import call_of
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject

_MOST = 200_000


def measure(subject: Subject) -> Measured | None:
    """Measure what an earlier batch does to the loss of a later one.

    carried: change of the second batch's outputs by the first, over their deviation, in evaluation
    mode; called kept where a state is handed on by intent. growth: size of the third batch's
    backward graph over that of the second; above 1 where the state is not detached.
    """
    if len(subject.batches) < 3:
        return None
    one, two, three = subject.batches[:3]
    with subject.untouched():
        subject.module.eval()
        with torch.no_grad():
            drawn = torch.get_rng_state()
            alone = _answers(subject, two)
            subject.forget()
            subject.loss(one)
            torch.set_rng_state(drawn)  # what a loss draws by chance is no state
            after = _answers(subject, two)
        subject.forget()
        subject.module.train()
        sizes = [_graph_size(subject.loss(each)) for each in (one, two, three)]
    size = max(float(alone.std()) if alone.numel() > 1 else float(alone.abs()), 1e-12)
    carried = float((after - alone).abs().max()) / size
    growth = sizes[2] / sizes[1]
    said = (
        f"an earlier batch moves the answers of a later one by {carried:.2g}; the backward graph "
        f"of the third batch has {growth:.2f} times the steps of the second"
    )
    name = "kept" if subject.carries_state else "carried"
    return Measured(said, {name: carried, "growth": growth})


def _answers(subject: Subject, batch: object) -> Tensor:
    """Return the outputs of a batch, or its loss where the network is not called as a whole."""
    call = call_of(subject, batch)
    return subject.loss(batch) if call is None else call.output


def _graph_size(loss: Tensor) -> int:
    """Return the number of steps of the backward graph."""
    seen: set[object] = set()
    waiting = deque([loss.grad_fn])
    while waiting and len(seen) < _MOST:
        node = waiting.popleft()
        if node is None or node in seen:
            continue
        seen.add(node)
        waiting.extend(each for each, _ in node.next_functions)
    return max(1, len(seen))
