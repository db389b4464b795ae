"""The report of a tagging."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from longshort.config import to_toml
from longshort.config.tag import TagConfig
from longshort.data.conll import Tagged
from longshort.data.splits import Splits
from longshort.metrics.entities import Entity
from longshort.report import plots
from longshort.report.content import markdown, score_rows, shown
from longshort.report.page import render
from longshort.tasks.cell import cell_title
from longshort.tasks.tag.fitted import Fitted, entities_of
from longshort.tasks.tag.scoring import MODEL, TITLES, Scored
from longshort.train import TrainResult

_SENTENCES = 12
_KINDS = 30
_TOKENS = 80
_NOTHING = "nothing"


@dataclass(frozen=True)
class TagReport:
    """Everything that is known at the end of a run."""

    config: TagConfig
    parts: Splits[Tagged]
    fitted: Fitted
    scored: Scored
    scores: dict[str, Any]
    result: TrainResult
    environment: dict[str, Any]


@dataclass(frozen=True)
class Span:
    """Text of a sentence, and what it is marked as: "", or an entity's type."""

    text: str
    kind: str = ""
    is_right: bool = False


@dataclass(frozen=True)
class Shown:
    """A sentence with its true and its predicted entities."""

    place: str
    loss: str
    true: list[Span]
    predicted: list[Span]


def build_page(report: TagReport, folder: Path) -> str:
    """Render the page."""
    config, scores, source = report.config, report.scores, report.parts.train
    kinds = tuple(scores["labels"])
    shown_kinds = [*kinds, _NOTHING] if len(kinds) < _KINDS else list(kinds[:_KINDS])
    return render(
        "tag.html.j2",
        {
            "title": f"Tagging of {source.name}",
            "data": _description(report),
            "verdict": scores["verdict"],
            "outcome": scores["outcome"],
            "rows": score_rows(scores),
            "notes": scores["notes"],
            "scores": scores,
            "types": _types(scores),
            "confusion_svg": plots.confusion(
                np.array(scores["confusion"])[: len(shown_kinds), : len(shown_kinds)], shown_kinds
            ),
            "confusion_width": 300 + 34 * len(shown_kinds),
            "sentences": worst_sentences(report.scored, report.config.text.tokens),
            "training_svg": plots.training_curves(
                report.result.history,
                report.result.best_epoch,
                scores["training"]["measure"],
                apart=True,
            ),
            "rivals": {name: TITLES[name] for name in scores["test"]["baselines"]},
            "outside": _outside(report.scored),
            "training": scores["training"],
            "findings": report.parts.findings,
            "parts": _parts(report),
            "shown_kinds": kinds[:_KINDS],
            "split": report.parts.how,
            "settings": to_toml(config),
            "environment": report.environment,
            "reproduce": f"longshort run {source.path or 'DATA'} --config {folder / 'config.toml'} "
            "--out NEW_FOLDER",
        },
    )


def model_card(report: TagReport) -> str:
    """Markdown: what was trained on what, how good it is beside its baselines, how to use it."""
    scores, source = report.scores, report.parts.train
    return f"""# {cell_title(report.config.model)} tagger of {source.name}

{scores["verdict"]}

{markdown(score_rows(scores))}

- Data: {source.path or source.name}, sha256 {source.sha256 or "of data in memory"}; parts: \
{report.parts.how}
- Tags: {report.fitted.scheme.upper()} of {", ".join(report.fitted.kinds[:20])}
- {scores["training"]["parameters"]:,} parameters; weights of epoch \
{scores["training"]["best_epoch"]}
- Written by longshort {report.environment["packages"]["longshort"]}, \
torch {report.environment["packages"]["torch"]}

Use it with `longshort predict RUN --data FILE`, or with sentences on stdin, tokens apart by \
spaces. Meant for text like that it was trained on; the report shows where it errs.
"""


def worst_sentences(scored: Scored, tokens: str | None) -> list[Shown]:
    """Those with mistakes whose true tags are least likely, in order."""
    wrong = [
        i
        for i, (true, found) in enumerate(zip(scored.truth, scored.entities[MODEL], strict=True))
        if set(true) != set(found)
    ]
    wrong.sort(key=lambda i: -scored.losses[i])
    space = "" if tokens in ("characters", "jieba") else " "
    chosen = []
    for i in wrong[:_SENTENCES]:
        words, true = scored.source.tokens[i], scored.truth[i]
        found = scored.entities[MODEL][i]
        chosen.append(
            Shown(
                scored.source.places[i],
                shown(scored.losses[i]),
                spans(words, true, found, space),
                spans(words, found, true, space),
            )
        )
    return chosen


def spans(
    tokens: Sequence[str], marked: Sequence[Entity], others: Sequence[Entity], space: str
) -> list[Span]:
    """A sentence's beginning cut at its entities; right are those that stand in `others` too."""
    cut, at, most = [], 0, min(len(tokens), _TOKENS)
    for begin, end, kind in sorted(marked):
        if begin >= most:
            break
        cut.append(Span(space.join(["", *tokens[at:begin], ""])))
        cut.append(Span(space.join(tokens[begin:end]), kind, (begin, end, kind) in set(others)))
        at = end
    rest = space.join(tokens[at:most]) + ("…" if most < len(tokens) else "")
    return [*cut, Span(space + rest)]


def _description(report: TagReport) -> list[str]:
    fitted, source, scores = report.fitted, report.parts.train, report.scores
    total = sum(len(part) for part in report.parts.by_name().values())
    kind = "labels of tokens" if fitted.scheme == "plain" else f"{fitted.scheme.upper()} tags"
    return [
        f"{source.name}: {total:,} sentences, {kind} of {len(fitted.kinds)} types",
        f"{len(fitted.vocabulary):,} known tokens; the test part has {scores['tokens']:,} tokens "
        f"with {scores['entities']:,} entities",
    ]


def _outside(scored: Scored) -> float:
    """Share of the test tokens that belong to no entity."""
    within = sum(end - begin for sentence in scored.truth for begin, end, _ in sentence)
    return 1.0 - within / sum(len(tokens) for tokens in scored.source.tokens)


def _types(scores: dict[str, Any]) -> list[list[str]]:
    rows = [["type", "precision", "recall", "F1", "test entities", "predicted"]]
    for kind, each in list(scores["test"]["model"]["per_type"].items())[:_KINDS]:
        numbers = [shown(each[name]) for name in ("precision", "recall", "f1")]
        rows.append([kind, *numbers, f"{each['support']:,.0f}", f"{each['predicted']:,.0f}"])
    return rows


def _parts(report: TagReport) -> list[tuple[str, int, int, list[int]]]:
    found, shown = [], report.scores["labels"][:_KINDS]
    for name, source in report.parts.by_name().items():
        kinds = Counter(
            kind
            for sentence in entities_of(source, report.fitted.scheme)
            for _, _, kind in sentence
        )
        tokens = sum(len(each) for each in source.tokens)
        found.append((name, len(source), tokens, [kinds[kind] for kind in shown]))
    return found
