"""Scheduled sampling (Bengio et al., 2015): a decoder that reads words of its own in training.

Letters: T steps of the target, S of the source, B batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from longshort.nn.blocks.decoder import Decoded, Decoder, DecoderState, joined


def read_own_words(
    decoder: Decoder, read: Tensor, state: DecoderState, share: float, source: Tensor | None = None
) -> Decoded:
    """Decode targets step by step; with the chance `share` a step reads the decoder's last word.

    That is its most probable token, drawn for each sample and step alone; no gradient flows through
    the choice. read [T, B]: the true tokens, the begin mark first, which is always read. source
    [S, B]: numbers that may be copied, for a decoder that copies. A share of 0 is one call of the
    decoder, as fast as without; others take a step after the other.
    """
    if not share:
        whole: Decoded = decoder(read, state)
        return whole
    own = torch.rand(read.shape, device=read.device) < share
    steps: list[Decoded] = []
    numbers = read[0]
    for step, true in enumerate(read):
        if step:
            numbers = torch.where(own[step], _likeliest(decoder, steps[-1], source), true)
        found, state = decoder.covered_step(numbers, state)
        steps.append(found)
    return joined(steps)


@torch.no_grad()
def _likeliest(decoder: Decoder, last: Decoded, source: Tensor | None) -> Tensor:
    """Return the most probable token [B] after the last step."""
    return decoder.log_probs(last, source)[0].argmax(-1)
