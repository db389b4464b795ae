"""Report of written texts: attention, typical and worst pairs, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from longshort.data.parallel import Pairs
from longshort.report import plots
from longshort.report.sections import Line, Note, Passage, Picture, Section, Span, Table
from longshort.runs.decoded import length_penalty
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.runs.writing import Written
from longshort.tasks.seq2seq.encoder import PairEncoder
from longshort.tasks.seq2seq.habits import unknown_share

PairResult = Result[Any, Pairs, PairEncoder, Written]
_SHOWN, _ATTENDED, _LONG = 6, 3, 40
_SHARES = (5, 25, 50, 75, 95)


def sections(task: Any, result: PairResult) -> list[Section]:
    """Return how texts are written, where the network attends, and examples."""
    found = [_writing(result)]
    pictures = attention_pictures(result.scored.predictions[MODEL])
    if pictures:
        note = Note("Rows are the written tokens; dark is where the network looked for each.")
        found.append(Section("Where it looks", [*pictures, note]))
    return [*found, *_examples(task, result)]


def attention_pictures(written: Written) -> list[Picture]:
    """Return pictures of the attention of a few texts of middling length."""
    usable = [
        i
        for i, (each, source) in enumerate(zip(written.targets, written.sources, strict=False))
        if each[0].attention is not None and 0 < len(each[0].tokens) <= _LONG >= len(source)
    ]
    usable.sort(key=lambda i: -len(written.targets[i][0].tokens))
    chosen = usable[len(usable) // 4 :: max(1, len(usable) // (2 * _ATTENDED))][:_ATTENDED]
    pictures = []
    for number, i in enumerate(chosen):
        best = written.targets[i][0]
        assert best.attention is not None
        figure = plots.heat(best.attention, list(best.tokens), written.sources[i])
        pictures.append(Picture(f"attention{number}", figure, 180 + 18 * len(written.sources[i])))
    return pictures


def _writing(result: PairResult) -> Section:
    """How long and how varied the texts are, beside the wanted ones."""
    samples, written = result.scored.samples, result.scored.predictions[MODEL]
    rows = [["words a text", *(f"{share:g} %" for share in _SHARES), "different texts"]]
    texts = {"wanted": samples.targets or [], MODEL: written.texts}
    rows += [[name, *_lengths(each), f"{len(set(each)):,}"] for name, each in texts.items()]
    unknown = unknown_share(result.model.encoder, samples)
    cut = sum(each[0].is_cut for each in written.targets)
    note = (
        f"Shares of texts with at most so many words. {unknown:.2%} of the sources' tokens are "
        f"unknown. {cut:,} of {len(samples):,} texts were cut at the greatest length."
    )
    if result.config.write.beam > 1:
        note += f" Length penalty: {length_penalty(result.model):g}."
    return Section("How it writes", [Table(rows), Note(note)])


def _lengths(texts: Sequence[str]) -> list[str]:
    lengths = [len(text.split()) for text in texts]
    return [f"{value:.0f}" for value in np.percentile(lengths, _SHARES)]


def _examples(task: Any, result: PairResult) -> list[Section]:
    """Return typical and worst pairs by the deciding metric of each alone."""
    samples, texts = result.scored.samples, result.scored.predictions[MODEL].texts
    rows = result.scored.scores[MODEL].per_sample
    each = np.array([float(task.from_sums(row)) for row in rows])
    order = np.argsort(each, kind="stable")
    middle = order[len(order) // 2 - _SHOWN // 2 :][:_SHOWN]
    title = task.metric(result.config).title
    return [
        Section("Typical texts", [_pairs(samples, texts, middle.tolist(), each)]),
        Section(
            "Where it is worst",
            [
                _pairs(samples, texts, order[:_SHOWN].tolist(), each),
                Note(f"The test pairs with the lowest {title} of their own."),
            ],
        ),
    ]


def _pairs(samples: Pairs, texts: Sequence[str], rows: Sequence[int], each: Any) -> Passage:
    lines = []
    for row in rows:
        wanted = (samples.targets or [""] * len(samples))[row]
        lines += [
            Line([Span(samples.sources[row])], samples.places[row]),
            Line([Span(wanted, "#dff0e5")], "wanted"),
            Line([Span(texts[row])], f"written, {each[row]:.1f}"),
        ]
    return Passage(lines)
