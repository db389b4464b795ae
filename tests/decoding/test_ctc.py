"""Spellings of frames: the best path, prefix beams and alignments, against all paths."""

from __future__ import annotations

import tarfile
from collections import defaultdict
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from longshort.decoding.ctc import best_path, frames_needed, spelt
from longshort.decoding.ctc_alignment import align
from longshort.decoding.label_scorer import Characters
from longshort.decoding.lexicon import Lexicon, Words
from longshort.decoding.prefix_beam import PrefixBeam, prefix_beam
from longshort.errors import ArgumentError

WHOLE = PrefixBeam(width=10_000, n_best=10_000, least=0.0)
"""Options by which nothing is left out."""


def log_probs(frames: int, classes: int, seed: int = 0) -> np.ndarray:
    scores = 2 * np.random.default_rng(seed).normal(size=(frames, classes))
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def all_spellings(logs: np.ndarray, blank: int = 0) -> dict[tuple[int, ...], float]:
    """Log probability of everything that can be spelt."""
    found: defaultdict[tuple[int, ...], float] = defaultdict(float)
    for path in product(range(logs.shape[1]), repeat=len(logs)):
        found[spelt(path, blank=blank)] += np.exp(logs[range(len(logs)), list(path)].sum())
    return {labels: float(np.log(p)) for labels, p in found.items()}


class Bigrams:
    """A language model by a table of probabilities."""

    def __init__(self, size: int, order: int = 2) -> None:
        self.order = order
        self.table = np.exp(log_probs(size, size, seed=7))

    def logs(self, before: tuple[int, ...]) -> list[float]:
        assert len(before) == self.order - 1
        row = self.table[before[-1]] if before else self.table.mean(0)
        return np.log(row).tolist()


def test_repeats_are_one_unless_a_blank_parts_them() -> None:
    assert spelt([0, 1, 1, 0, 1, 2, 2, 0]) == (1, 1, 2)
    assert spelt([2, 1, 1, 0, 1, 2, 2, 0], blank=2) == (1, 0, 1, 0)
    assert frames_needed([1, 1, 2, 2, 2, 1]) == 9
    assert frames_needed([]) == 0


def test_the_best_path_is_the_most_probable_of_all() -> None:
    logs = log_probs(5, 4)
    paths = {p: logs[range(5), list(p)].sum() for p in product(range(4), repeat=5)}
    best = max(paths, key=paths.__getitem__)
    found = best_path(logs)
    assert found.labels == spelt(best)
    assert found.log_prob == pytest.approx(paths[best])


@pytest.mark.parametrize("blank", [0, 2])
def test_a_beam_without_limits_finds_every_spelling(blank: int) -> None:
    logs = log_probs(5, 3)
    expected = all_spellings(logs, blank)
    found = {each.labels: each.log_prob for each in prefix_beam(logs, WHOLE, blank=blank)}
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("order", [1, 2])
def test_a_model_of_characters_counts_each_label_and_the_end(order: int) -> None:
    logs, model = log_probs(4, 3), Bigrams(3, order)
    scorer = Characters(model, weight=0.7, bonus=0.2)
    expected = {}
    for labels, log_prob in all_spellings(logs).items():
        marked = (0, *labels, 0)
        gain = 0.0
        for n in range(1, len(marked)):
            gain += 0.7 * model.logs(marked[n - 1 : n] if order == 2 else ())[marked[n]]
        expected[labels] = log_prob + gain + 0.2 * len(labels)
    found = prefix_beam(logs, WHOLE, scorer)
    assert {each.labels: each.score for each in found} == pytest.approx(expected)
    assert [each.score for each in found] == sorted((e.score for e in found), reverse=True)


LEXICON = [[1], [1, 2], [2, 1]]


def test_a_lexicon_allows_its_words_and_scores_each_at_its_end() -> None:
    logs, model = log_probs(5, 4), Bigrams(4)
    scorer = Words(Lexicon(LEXICON), 3, model, weight=0.5, bonus=-0.3)
    numbers = {tuple(word): n for n, word in enumerate(LEXICON, 1)}
    expected = {}
    for labels, log_prob in all_spellings(logs).items():
        words = [tuple(map(int, each)) for each in "".join(map(str, labels)).split("3")]
        if labels and not all(each in numbers for each in words):
            continue
        marked = [0, *(numbers[each] for each in words if labels), 0]
        gain = sum(0.5 * model.logs((marked[n - 1],))[marked[n]] for n in range(1, len(marked)))
        expected[labels] = log_prob + gain - 0.3 * (len(marked) - 2)
    found = {each.labels: each.score for each in prefix_beam(logs, WHOLE, scorer)}
    assert len(expected) > 10
    assert found == pytest.approx(expected)


def test_a_lexicon_without_a_model_only_forbids() -> None:
    logs = log_probs(5, 4)
    found = prefix_beam(logs, WHOLE, Words(Lexicon(LEXICON), 3))
    spellings = all_spellings(logs)
    assert all(each.score == pytest.approx(spellings[each.labels]) for each in found)


def test_what_is_within_a_word_is_given_if_there_is_nothing_else() -> None:
    logs = np.log(np.array([[0.001, 0.999, 0.0], [0.001, 0.0, 0.999]]) + 1e-12)
    found = prefix_beam(logs, PrefixBeam(width=1), Words(Lexicon([[1, 2, 1]]), None))
    assert [each.labels for each in found] == [(1, 2)]


def test_narrow_beams_are_lower_bounds_and_wider_ones_no_worse() -> None:
    logs = log_probs(7, 4, seed=3)
    spellings = all_spellings(logs)
    best = -np.inf
    for width in (1, 2, 4, 16, 256):
        found = prefix_beam(logs, PrefixBeam(width=width, least=0.0))[0]
        assert found.log_prob <= spellings[found.labels] + 1e-9
        assert found.log_prob >= best - 1e-9
        best = found.log_prob
    assert best == pytest.approx(max(spellings.values()))


def test_long_inputs_lose_no_probability() -> None:
    logs = np.tile(log_probs(1, 3), (3000, 1))
    found = prefix_beam(logs, PrefixBeam(width=4))[0]
    assert -3000 * 3 < found.log_prob < 0


def test_an_alignment_is_the_best_path_of_its_labels() -> None:
    logs = log_probs(7, 4, seed=5)
    for labels in ([1, 1], [2, 1, 3], [1], [3, 3, 1]):
        paths = (p for p in product(range(4), repeat=7) if spelt(p) == tuple(labels))
        best = max(paths, key=lambda p: logs[range(7), list(p)].sum())
        spans = align(logs, labels)
        path = [0] * 7
        for span in spans:
            path[span.first : span.stop] = [span.label] * (span.stop - span.first)
            mean = logs[span.first : span.stop, span.label].mean()
            assert span.probability == pytest.approx(np.exp(mean))
        assert [span.label for span in spans] == labels
        assert tuple(path) == best
    assert align(logs, []) == []


def test_what_cannot_be_decoded_is_refused() -> None:
    logs = log_probs(3, 3)
    with pytest.raises(ArgumentError, match="logs: at least 4 frames are expected, got 3"):
        align(logs, [1, 2, 2])
    with pytest.raises(ArgumentError, match="labels: have the probability 0 in these frames"):
        align(np.full((3, 3), -np.inf), [1])
    with pytest.raises(ArgumentError, match=r"logs: \[T, C\] is expected, got the shape \[3\]"):
        best_path(logs[0])
    logs[1, 1] = np.nan
    with pytest.raises(ArgumentError, match="logs: numbers are expected, got NaN in frame 1"):
        prefix_beam(logs)
    with pytest.raises(ArgumentError, match="least: a probability below 1 is expected, got 1"):
        PrefixBeam(least=1)
    with pytest.raises(ArgumentError, match="n_best: a number from 1 to 2 is expected, got 3"):
        PrefixBeam(width=2, n_best=3)


IAM = " !\"#&'()*+,-./0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""Labels of the published network outputs; the blank is the last class."""


def published(folder: Path, name: str) -> tuple[np.ndarray, list[str]]:
    """Log probabilities of the frames, and words of the corpus."""
    path = folder / "ctc_vectors" / "ctcdecoder_data.tar.gz"
    with tarfile.open(path) as archive:
        outputs = archive.extractfile(f"data/{name}/rnnOutput.csv")
        corpus = archive.extractfile(f"data/{name}/corpus.txt")
        assert outputs and corpus
        rows = [line.decode().rstrip(";\r\n").split(";") for line in outputs]
        words = corpus.read().decode().replace(",", " ").split()
    scores = np.array(rows, dtype=float)
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True), words


def text(labels: tuple[int, ...]) -> str:
    return "".join(IAM[label] for label in labels)


def test_published_outputs_have_the_published_spellings(real_data: Path) -> None:
    """Those of the repository's own page: best path, and beam search without a language model."""
    line, _ = published(real_data, "line")
    assert text(best_path(line, blank=79).labels) == "the fak friend of the fomly hae tC"
    found = prefix_beam(line, PrefixBeam(width=25), blank=79)[0]
    assert text(found.labels) == "the fak friend of the fomcly hae tC"
    word, _ = published(real_data, "word")
    assert text(best_path(word, blank=79).labels) == "aircrapt"


@pytest.mark.parametrize(
    ("name", "expected"), [("word", "aircraft"), ("line", "the fake friend of the family fake the")]
)
def test_a_lexicon_finds_the_published_words(real_data: Path, name: str, expected: str) -> None:
    logs, words = published(real_data, name)
    lexicon = Lexicon([[IAM.index(letter) for letter in word] for word in sorted(set(words))])
    scorer = Words(lexicon, IAM.index(" "))
    found = prefix_beam(logs, PrefixBeam(width=100, least=0.0), scorer, blank=79)[0]
    assert text(found.labels) == expected
