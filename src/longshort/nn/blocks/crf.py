"""A conditional random field over the tags of a sequence (Lafferty et al., 2001).

Letters: T time steps, B batch, K tags.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_FORBIDDEN = -1e4
_TINY = 1e-300


class CRF(nn.Module):
    """Linear-chain CRF: a path's score is the sum of its scores of tags and of transitions.

    allowed [K, K]: whether the column's tag may follow the row's. first, last [K]: whether a tag
    may begin and end a sequence. All are allowed where these are absent; what is not allowed has
    the score -10,000.

    Sums run in float64 for every dtype of the scores: so they can be products of probabilities,
    which are several times as fast as sums of logarithms.
    """

    allowed: Tensor
    first: Tensor
    last: Tensor

    def __init__(
        self,
        tags: int,
        *,
        allowed: Tensor | None = None,
        first: Tensor | None = None,
        last: Tensor | None = None,
    ) -> None:
        super().__init__()
        everything = torch.ones(tags, tags, dtype=torch.bool)
        for name, given in (("allowed", allowed), ("first", first), ("last", last)):
            whole = everything if name == "allowed" else everything[0]
            self.register_buffer(name, whole.clone() if given is None else given, persistent=False)
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.start = nn.Parameter(torch.zeros(tags))
        self.end = nn.Parameter(torch.zeros(tags))

    def forward(self, scores: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Return the negative log-likelihood [B] of tags [T, B] under scores [T, B, K]."""
        return self.log_partition(scores, lengths) - self.path_score(scores, tags, lengths)

    def path_score(self, scores: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Return the scores [B] of the paths tags [T, B], in float64; padding is ignored."""
        transitions, start, end = self.weights()
        steps, batch = tags.shape
        within = torch.arange(steps, device=scores.device)[:, None] < lengths.to(scores.device)
        here = scores.gather(2, tags[..., None]).squeeze(2).double()
        total = start[tags[0]] + (here * within).sum(0)
        total = total + (transitions[tags[:-1], tags[1:]] * within[1:]).sum(0)
        rows = torch.arange(batch, device=scores.device)
        return total + end[tags[lengths.to(scores.device) - 1, rows]]

    def log_partition(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """Return the log of the sum of exp(score) over all paths, [B] in float64."""
        transitions, start, end = self.weights()
        highest = transitions.amax()
        step = (transitions - highest).exp()
        scores = scores.double()
        within = _within(scores, lengths)
        alpha = start + scores[0]
        for t in range(1, len(scores)):
            most = alpha.detach().amax(1, keepdim=True)
            reached = _reached(alpha - most, step, transitions - highest)
            moved = reached + (most + highest) + scores[t]
            mask = within[t]
            alpha = moved if mask is None else torch.where(mask, moved, alpha)
        return (alpha + end).logsumexp(1)

    def weights(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the scores of transitions [K, K], first and last tags [K], in float64."""
        return (
            self.transitions.double().masked_fill(~self.allowed, _FORBIDDEN),
            self.start.double().masked_fill(~self.first, _FORBIDDEN),
            self.end.double().masked_fill(~self.last, _FORBIDDEN),
        )


def _reached(before: Tensor, step: Tensor, transitions: Tensor) -> Tensor:
    """Return log(exp(before) @ step) for step = exp(transitions); before [B, K] has the maximum 0.

    Tags with a tiny sum are computed from logarithms, since the product has no precision there.
    """
    product = before.exp() @ step
    found = product.clamp_min(_TINY).log()
    lost = product < _TINY
    if not lost.any():
        return found
    return torch.where(lost, (before[:, :, None] + transitions).logsumexp(1), found)


def _within(scores: Tensor, lengths: Tensor) -> list[Tensor | None]:
    """Return for each step which sequences have not ended, [B, 1]; None where none has."""
    shortest = int(lengths.min())
    steps = torch.arange(len(scores))[:, None, None]
    masks = (steps < lengths.cpu()[:, None]).to(scores.device)
    return [None if t < shortest else masks[t] for t in range(len(scores))]


def bioes_rules(tags: Sequence[str]) -> dict[str, Tensor]:
    """Return `allowed`, `first` and `last` for tags of the scheme BIOES: O, B-X, I-X, E-X, S-X."""
    opens = [tag[0] in "BI" and tag != "O" for tag in tags]
    goes_on = [tag[0] in "IE" and tag != "O" for tag in tags]
    allowed = [
        [
            opens[i] == goes_on[j] and (not opens[i] or before[1:] == after[1:])
            for j, after in enumerate(tags)
        ]
        for i, before in enumerate(tags)
    ]
    return {
        "allowed": torch.tensor(allowed),
        "first": ~torch.tensor(goes_on),
        "last": ~torch.tensor(opens),
    }
