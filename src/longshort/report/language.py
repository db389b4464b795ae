"""The report of a language model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from longshort.config import to_toml
from longshort.config.language import LanguageConfig
from longshort.data.findings import Finding
from longshort.data.running import RunningSplits
from longshort.report import plots
from longshort.report.content import markdown, score_rows, shown
from longshort.report.render import render
from longshort.tasks.cell import cell_title
from longshort.tasks.language.fitted import WITH_LINE_ENDS
from longshort.tasks.language.generate import Sampling, write_on
from longshort.tasks.language.scoring import MODEL, Scored
from longshort.tasks.language.task import LanguageTask
from longshort.train import TrainResult

_PASSAGE = {True: 1200, False: 300}
"""Tokens in the heat map, of characters and of words."""
_SAMPLE = {True: 300, False: 80}
_SAMPLES, _TEMPERATURE = 3, 0.8
_HOTTEST = {True: 8.0, False: 12.0}
"""Nats of the deepest red, of characters and of words."""
_BOUNDS = (0, 1, 10, 100, 1000, 10_000)


@dataclass(frozen=True)
class LanguageReport:
    """Everything that is known at the end of a run."""

    config: LanguageConfig
    task: LanguageTask
    findings: list[Finding]
    scored: Scored
    scores: dict[str, Any]
    result: TrainResult
    environment: dict[str, Any]

    @property
    def parts(self) -> RunningSplits:
        """Training, validation and test text."""
        return self.task.parts


def build_page(report: LanguageReport, folder: Path) -> str:
    """Render the page."""
    config, scores, source = report.config, report.scores, report.parts.train
    others = [f"--{n} {p.path}" for n, p in _own_files(report).items()]
    return render(
        "language.html.j2",
        {
            "title": f"Language model of {source.name}",
            "title_cell": cell_title(config.model),
            "data": _description(report),
            "verdict": scores["verdict"],
            "outcome": scores["outcome"],
            "rows": score_rows(scores),
            "notes": scores["notes"],
            "tokens": scores["tokens"],
            "characters": scores["characters"],
            "bytes": scores["bytes"],
            "unknown": scores["unknown"],
            "scale": _scale(report),
            "heat": _heat(report),
            "gains": _gains(report),
            "samples": _samples(report),
            "temperature": _TEMPERATURE,
            "training_svg": plots.training_curves(
                report.result.history, report.result.best_epoch, scores["training"]["measure"]
            ),
            "training": scores["training"],
            "findings": report.findings,
            "parts": _parts(report),
            "split": report.parts.how,
            "settings": to_toml(config),
            "environment": report.environment,
            "reproduce": " ".join(
                [
                    f"longshort run {source.path or 'DATA'} --config {folder / 'config.toml'}",
                    *others,
                    "--out NEW_FOLDER",
                ]
            ),
            "config": config,
        },
    )


def model_card(report: LanguageReport) -> str:
    """Markdown: what was trained on what, how good it is beside its baselines, how to use it."""
    scores, source = report.scores, report.parts.train
    return f"""# {cell_title(report.config.model)} language model of {source.name}

{scores["verdict"]}

{markdown(score_rows(scores))}

- Data: {source.path or source.name}, sha256 {source.sha256 or "of lines in memory"}; parts: \
{report.parts.how}
- Tested on {scores["tokens"]:,} tokens ({report.task.fitted.tokens}), \
{scores["characters"]:,} characters, {scores["bytes"]:,} bytes
- {scores["training"]["parameters"]:,} parameters; weights of epoch \
{scores["training"]["best_epoch"]}
- Written by longshort {report.environment["packages"]["longshort"]}, \
torch {report.environment["packages"]["torch"]}

Use it with `longshort generate RUN --prompt TEXT`. It continues texts like those it was trained \
on; what it writes is likely, not true.
"""


def _own_files(report: LanguageReport) -> dict[str, Any]:
    parts = report.parts
    return {n: p for n, p in parts.by_name().items() if p.path and p.path != parts.train.path}


def _description(report: LanguageReport) -> list[str]:
    fitted = report.task.fitted
    return [
        f"{report.parts.train.name}: {len(report.task.train):,} training tokens (text.tokens = "
        f"{fitted.tokens})",
        f"{len(fitted.vocabulary) - 1:,} tokens can come, the unknown one among them",
    ]


def _is_fine(report: LanguageReport) -> bool:
    """Whether tokens are as small as characters."""
    return report.task.fitted.tokens in WITH_LINE_ENDS


def _heat(report: LanguageReport) -> list[tuple[str, str, str]]:
    """Text, colour and nats of each token of a passage."""
    count, fitted = _PASSAGE[_is_fine(report)], report.task.fitted
    numbers = report.scored.numbers[:count].tolist()
    nats = report.scored.nats[MODEL][:count]
    pieces, hottest = list(fitted.stream(numbers)), _HOTTEST[_is_fine(report)]
    return [
        ("⏎\n" if piece == "\n" else _visible(piece), _colour(each / hottest), f"{each:.2f}")
        for piece, each in zip(pieces, nats, strict=True)
    ]


def _visible(text: str) -> str:
    """Control characters as their pictures: a page cannot hold them."""
    return text.translate({code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"})


def _scale(report: LanguageReport) -> list[tuple[str, str]]:
    """Nats and their colours."""
    hottest = _HOTTEST[_is_fine(report)]
    return [(f"{share * hottest:g}", _colour(share)) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]


def _colour(heat: float) -> str:
    return f"rgba(200,40,20,{0.75 * min(1.0, heat):.2f})"


def _gains(report: LanguageReport) -> list[list[str]]:
    """Mean nats of the model and the best baseline by the tokens' frequency."""
    scored, rival = report.scored, report.scores["best_rival"]
    size = len(report.task.fitted.vocabulary)
    seen = np.bincount(report.task.train, minlength=size)[scored.numbers]
    rows = [["occurs in training", "test tokens", "model", rival, "saved"]]
    for low, high in zip(_BOUNDS, (*_BOUNDS[1:], None), strict=True):
        here = (seen >= low) & (seen < high) if high else seen >= low
        if not here.any():
            continue
        name = f"{low:,} times or more" if not high else f"{low:,} to {high - 1:,} times"
        own, other = (float(scored.nats[each][here].mean()) for each in (MODEL, rival))
        cells = [f"{int(here.sum()):,}", shown(own), shown(other), f"{other - own:+.3f}"]
        rows.append([name if low else "never", *cells])
    return rows


def _samples(report: LanguageReport) -> list[str]:
    task, length = report.task, _SAMPLE[_is_fine(report)]
    how = [Sampling(temperature=_TEMPERATURE, seed=seed) for seed in range(_SAMPLES)]
    return [
        _visible("".join(write_on(task.network, task.fitted, "", length, each))) for each in how
    ]


def _parts(report: LanguageReport) -> list[list[str]]:
    counts = {
        "train": len(report.task.train),
        "val": len(report.task.val),
        "test": len(report.scored.numbers),
    }
    return [
        [name, f"{counts[name]:,}", f"{len(part.text):,}", f"{len(part.text.encode()):,}"]
        for name, part in report.parts.by_name().items()
    ]
