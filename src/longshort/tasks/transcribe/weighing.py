"""The weight of the language model and the bonus for its tokens, by the validation split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longshort.runs.task import Say, Track
from longshort.runs.transcribing import Listening
from longshort.tasks.transcribe import scoring
from longshort.tasks.transcribe.encoder import SpeechArrays
from longshort.tasks.transcribe.inference import ALPHA, BETA, ModelOf, hearing, search

ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0)
BETAS = (0.0, -1.0, 1.0, 2.0, 3.0)
"""Values that are tried: first of alpha, then of beta, then of alpha once more."""
_MOST = {"ctc": 200, "transducer": 40}
"""Utterances, the first ones, by which the weights are chosen; a transducer's search is slow."""


def chosen_weights(
    model: ModelOf, arrays: SpeechArrays, texts: Sequence[str], say: Say, track: Track
) -> dict[str, NDArray[np.float64]]:
    """Return alpha and beta with the lowest WER of validation utterances, then CER.

    Nothing is chosen where the settings say both, or no language model is asked.
    """
    write = model.config.write
    if search(model, Listening())[1] is None or None not in (write.alpha, write.beta):
        return {}
    count = min(_MOST[model.config.model.head], len(texts))
    wanted, hear_again = texts[:count], hearing(model, arrays.take(range(count)))
    tried: dict[tuple[float, float], tuple[float, float]] = {}

    def errors(alpha: float, beta: float) -> tuple[float, float]:
        if (alpha, beta) not in tried:
            track("weighing the language model", len(tried), 2 * len(ALPHAS) + len(BETAS))
            heard = hear_again(Listening(alpha=alpha, beta=beta))
            found = scoring.values(wanted, heard.texts)
            tried[alpha, beta] = found["wer"], found["cer"]
        return tried[alpha, beta]

    alphas = ALPHAS if write.alpha is None else (write.alpha,)
    betas = BETAS if write.beta is None else (write.beta,)
    alpha, beta = alphas[0], 0.0 if write.beta is None else write.beta
    for _ in range(2):
        alpha = min(alphas, key=lambda value, beta=beta: errors(value, beta))
        beta = min(betas, key=lambda value, alpha=alpha: errors(alpha, value))
    say(
        f"language model: weight {alpha:g}, bonus {beta:g}, by the WER of {count:,} validation "
        f"utterances ({errors(alpha, beta)[0]:.1f} %; {errors(alphas[0], betas[0])[0]:.1f} % with "
        f"{alphas[0]:g} and {betas[0]:g})"
    )
    return {ALPHA: np.array(alpha), BETA: np.array(beta)}
