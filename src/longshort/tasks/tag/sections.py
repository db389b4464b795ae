"""Sections of a tagger's report: scores by type, and the sentences with the highest loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from longshort.report import plots
from longshort.report.sections import Line, Note, Passage, Picture, Section, Span, Table
from longshort.report.table import shown
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.tag.config import TagConfig
from longshort.tasks.tag.conll import Tagged
from longshort.tasks.tag.encoder import TagEncoder, entities_of
from longshort.tasks.tag.entities import Entity, kind_counts
from longshort.tasks.tag.found import Found

TagResult = Result[TagConfig, Tagged, TagEncoder, Found]

_SENTENCES, _KINDS, _TOKENS = 12, 30, 80
_NOTHING = "nothing"
_RIGHT, _WRONG = "#dff0e5", "#f9dcd6"


def sections(result: TagResult) -> list[Section]:
    """Return the sections: scores and confusions of the types, then the worst sentences."""
    kinds = result.scores["labels"]
    names = [*kinds, _NOTHING] if len(kinds) < _KINDS else list(kinds[:_KINDS])
    confusion = np.array(result.scores["confusion"])[: len(names), : len(names)]
    types = Section(
        "Type by type",
        [
            Table(_types(result)),
            Picture("confusion", plots.confusion(confusion, tuple(names)), 300 + 34 * len(names)),
            Note(
                'Entities with the same ends. In the column "nothing" are true ones that were '
                'missed or cut otherwise, in the row "nothing" predicted ones that no true one has '
                f"the ends of. {_outside(result):.0%} of the test tokens belong to none."
            ),
        ],
    )
    worst = worst_sentences(result)
    if not worst:
        return [types]
    note = (
        "Test sentences with mistakes whose true tags the model finds least likely, in order; loss "
        "is in nats. Green spans stand in both lines."
    )
    return [types, Section("Where it errs most", [*worst, Note(note)])]


def worst_sentences(result: TagResult) -> list[Passage]:
    """Return the sentences with mistakes whose true tags are least likely, in order."""
    source, found = result.scored.samples, result.scored.predictions[MODEL]
    truth = entities_of(source, result.model.encoder.scheme)
    wrong = [
        i
        for i, (true, own) in enumerate(zip(truth, found.entities, strict=True))
        if set(true) != set(own)
    ]
    wrong.sort(key=lambda i: -found.losses[i])
    space = "" if result.config.text.tokens in ("characters", "jieba") else " "
    return [
        Passage(
            [
                Line(spans(source.tokens[i], truth[i], found.entities[i], space), "true"),
                Line(spans(source.tokens[i], found.entities[i], truth[i], space), "predicted"),
            ],
            f"{source.places[i]}, loss {shown(found.losses[i])}",
        )
        for i in wrong[:_SENTENCES]
    ]


def spans(
    tokens: Sequence[str], marked: Sequence[Entity], others: Sequence[Entity], space: str
) -> list[Span]:
    """Return the beginning of a sentence, cut at its entities.

    Entities that are in `others` too are green, the rest red. space: between two tokens.
    """
    cut, at, most = [], 0, min(len(tokens), _TOKENS)
    for begin, end, kind in sorted(marked):
        if begin >= most:
            break
        colour = _RIGHT if (begin, end, kind) in set(others) else _WRONG
        cut.append(Span(space.join(["", *tokens[at:begin], ""])))
        cut.append(Span(space.join(tokens[begin:end]), colour, kind))
        at = end
    rest = space.join(tokens[at:most]) + ("…" if most < len(tokens) else "")
    return [*cut, Span(space + rest)]


def split_rows(result: TagResult) -> list[list[str]]:
    """Return the numbers of sentences, tokens and entities of every type in each split.

    The header comes first.
    """
    kinds = result.scores["labels"][:_KINDS]
    rows = [["split", "sentences", "tokens", *kinds]]
    for name, source in result.splits.by_name().items():
        counts = kind_counts(entities_of(source, result.model.encoder.scheme))
        sizes = [len(source), sum(map(len, source.tokens)), *(counts[kind] for kind in kinds)]
        rows.append([name, *(f"{size:,}" for size in sizes)])
    return rows


def _outside(result: TagResult) -> float:
    """Return the share of the test tokens that belong to no entity."""
    source = result.scored.samples
    truth = entities_of(source, result.model.encoder.scheme)
    within = sum(end - begin for sentence in truth for begin, end, _ in sentence)
    return 1.0 - within / sum(map(len, source.tokens))


def _types(result: TagResult) -> list[list[str]]:
    rows = [["type", "precision", "recall", "F1", "test entities", "predicted"]]
    for kind, each in list(result.scores["test"][MODEL]["per_type"].items())[:_KINDS]:
        numbers = [shown(each[name]) for name in ("precision", "recall", "f1")]
        rows.append([kind, *numbers, f"{each['support']:,.0f}", f"{each['predicted']:,.0f}"])
    return rows
