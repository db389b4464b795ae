"""The layers over maps at several scales."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from longshort.tasks.frames.config import FramesModel
from longshort.tasks.frames.encoder import FrameEncoder
from longshort.tasks.frames.network import FrameForecaster, Scales

SHAPE, READ, AHEAD, BATCH = (13, 18, 3), 3, 2, 2


def network_of(scales: int) -> tuple[FrameForecaster, FrameEncoder]:
    torch.manual_seed(0)
    encoder = FrameEncoder(0, 1, SHAPE, 2, 0.5, None, scales)
    model = FramesModel(inputs=READ, outputs=AHEAD, patch=2, hidden=4, scales=scales)
    return FrameForecaster(model, encoder).eval(), encoder


def maps_of(encoder: FrameEncoder, frames: int) -> torch.Tensor:
    draw = np.random.default_rng(0).random((frames, BATCH, *SHAPE), dtype=np.float32)
    return torch.from_numpy(encoder.folded(draw))


@pytest.mark.parametrize("scales", [1, 2, 3])
@torch.no_grad()
def test_frames_one_by_one_give_what_all_at_once_give(scales: int) -> None:
    network, encoder = network_of(scales)
    read = maps_of(encoder, READ)
    whole = network(read, read, None, AHEAD, 0.0).sigmoid()
    step = network.begin(read[0], None)
    found = [step.frame]
    for frame in read[1:]:
        step = network.advance(frame, None, step.state)
        found.append(step.frame)
    step = network.follow(step.frame, None, step.state)
    found.append(step.frame)
    assert whole.shape == (READ + AHEAD - 1, BATCH, encoder.channels, *encoder.map_size)
    torch.testing.assert_close(torch.stack(found), whole)


@torch.no_grad()
def test_the_state_of_the_coarsest_scale_reaches_all_outputs() -> None:
    network, encoder = network_of(3)
    scales: Scales = network.reader
    x = maps_of(encoder, 1)
    before, state = scales(x, None)
    forgotten = tuple(torch.zeros_like(each) for each in state[2])
    after, _ = scales(x, (*state[:2], forgotten))
    other, _ = scales(x, state)
    assert [output.size(2) for output in before] == scales.widths == [4, 8, 16]
    assert not any(torch.equal(one, two) for one, two in zip(after, other, strict=True))


@pytest.mark.parametrize("scales", [1, 3])
@torch.no_grad()
def test_operations_are_those_that_torch_counts(scales: int) -> None:
    network, encoder = network_of(scales)
    x = maps_of(encoder, 1)
    _, state = network.reader(x, None)
    with FlopCounterMode(display=False) as counter:
        outputs, _ = network.reader(x, state)
        network.head(outputs)
    said = network.reader.flops(*encoder.map_size) + network.head.flops(*encoder.map_size)
    assert counter.get_total_flops() == BATCH * said
