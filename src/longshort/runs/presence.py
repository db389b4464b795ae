"""Tokens that are present to a degree, so that an answer can be differentiated by them."""

from __future__ import annotations

from torch import Tensor


def mixed(own: Tensor, absent: Tensor, presence: Tensor) -> Tensor:
    """Return vectors [T, N, E] of N copies of a text, present to these degrees [N, T].

    own [T, E]: the tokens' vectors; absent [E]: the vector that stands for a token that is not
    there. A degree of 1 gives a token's own vector.
    """
    return absent + presence.T.unsqueeze(-1) * (own - absent).unsqueeze(1)
