"""The network of voices: a recording to a vector of length 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.nn.blocks.convolution import beyond
from longshort.nn.blocks.patches import patches
from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.speaker.config import SpeakerModel

_EPSILON = 1e-5
_SCALE, _SHIFT = 10.0, -5.0
"""Initial w and b of GE2E."""


class VoiceNetwork(nn.Module):
    """Features x [T, B, F] with lengths [B] to embeddings [B, E] of length 1.

    Recurrent layers read the frames; mean and deviation of their states over time go through a
    linear map. scale, shift: w and b of the similarity w · cos + b, which only training needs.
    """

    def __init__(self, model: SpeakerModel, features: int) -> None:
        super().__init__()
        self.patch = model.patch
        self.layers = Recurrent(
            chosen_cell(model),
            features * model.patch,
            model.hidden,
            model.num_layers,
            bidirectional=model.bidirectional,
            dropout=model.dropout if model.num_layers > 1 else 0.0,
            **layer_options(model),
        )
        self.dropout = nn.Dropout(model.dropout)
        self.head = nn.Linear(2 * self.layers.output_size, model.size)
        self.scale = nn.Parameter(torch.tensor(_SCALE))
        self.shift = nn.Parameter(torch.tensor(_SHIFT))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the embeddings [B, E]."""
        x, lengths = patches(x, lengths, self.patch)
        states, _ = self.layers(x, lengths=lengths)
        lengths = lengths.to(states.device)
        over, count = beyond(states, lengths)[..., None], lengths[:, None]
        mean = states.masked_fill(over, 0.0).sum(0) / count
        spread = (states - mean).masked_fill(over, 0.0).square().sum(0) / count
        pooled = torch.cat([mean, (spread + _EPSILON).sqrt()], 1)
        found: Tensor = self.head(self.dropout(pooled))
        return found / (found.square().sum(1, keepdim=True) + _EPSILON).sqrt()


def speaker_loss(embeddings: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return the softmax loss of GE2E for embeddings [N, M, E] of N speakers with M crops each.

    Every crop is to be nearest to the centroid of its own speaker, of which it is left out itself.
    Source: Wan et al., Generalized end-to-end loss for speaker verification (2018), eq. 5, 6, 8, 9.
    """
    speakers, crops, _ = embeddings.shape
    centroids = F.normalize(embeddings.mean(1), dim=1)
    others = F.normalize((embeddings.sum(1, keepdim=True) - embeddings) / (crops - 1), dim=2)
    similarity = torch.einsum("nme,ke->nmk", embeddings, centroids)
    own = (embeddings * others).sum(2)
    numbers = torch.arange(speakers, device=embeddings.device)
    is_own = (numbers[:, None] == numbers)[:, None, :]
    similarity = torch.where(is_own, own[..., None], similarity)
    logits = scale.clamp(min=1e-6) * similarity + shift
    return F.cross_entropy(logits.reshape(-1, speakers), numbers.repeat_interleave(crops))
