"""The n-gram of signs, and how the way of reading is chosen on validation lines."""

from __future__ import annotations

import numpy as np

from longshort.metrics.stored_ngram import StoredNGram
from longshort.tasks.read.language import BONUS, SEARCH, WEIGHT, chosen_search, spelled

BLANK, A, B = 0, 1, 2


def frames(*rows: tuple[float, float, float]) -> np.ndarray:
    """Log probabilities of the blank, a and b."""
    return np.log(np.array(rows))


def chosen(
    grams: StoredNGram | None, logs: list[np.ndarray], wanted: list[tuple[int, ...]]
) -> tuple[dict[str, float], str]:
    """What is kept and said, where the error is the share of wrong texts in percent."""

    def errors(labels: list[tuple[int, ...]]) -> float:
        return 100.0 * float(np.mean([a != b for a, b in zip(labels, wanted, strict=True)]))

    said: list[str] = []
    found = chosen_search(grams, logs, 8, errors, said.append, lambda *_: None)
    return {name: float(value) for name, value in found.items()}, said[0]


def test_a_network_that_is_hardly_trained_reads_by_the_best_path() -> None:
    """The blank is the likeliest in every frame, and some sign is likelier than none at all."""
    logs = [frames(*[(0.4, 0.3, 0.3)] * 4)] * 3
    assert spelled(logs, 8)[0].labels != ()
    found, said = chosen(None, logs, [()] * 3)
    assert found == {SEARCH: 0, WEIGHT: 0, BONUS: 0} and "the best path" in said


def test_the_search_is_chosen_where_it_reads_more_rightly() -> None:
    logs = [frames((0.4, 0.35, 0.25), (0.4, 0.35, 0.25))] * 3
    found, said = chosen(None, logs, [(A,)] * 3)
    assert found == {SEARCH: 1, WEIGHT: 0, BONUS: 0} and "no n-gram" in said


def test_the_n_gram_is_weighed_where_it_helps() -> None:
    grams = StoredNGram.fit([[A, B]] * 9, 3, 2)
    sure, unsure = (0.01, 0.98, 0.01), (0.02, 0.5, 0.48)
    logs = [frames(sure, (0.98, 0.01, 0.01), unsure)] * 3
    assert spelled(logs, 8)[0].labels == (A, A)
    found, said = chosen(grams, logs, [(A, B)] * 3)
    assert found[WEIGHT] > 0 and "n-gram of order 2" in said
