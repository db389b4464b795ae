"""The page of an explanation, from typed sections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from longshort.explanation.inside.kept import retention
from longshort.explanation.inside.traces import Inside
from longshort.explanation.methods import METHODS
from longshort.explanation.overall import Overall
from longshort.explanation.row import Explained
from longshort.report.attributions import by_feature, over_time, shade
from longshort.report.inside import beside, by_lag, gate_strips, memory
from longshort.report.looks import Look, along_path, film
from longshort.report.render import render
from longshort.report.sections import Block, Checks, Line, Note, Passage, Picture, Section, Span
from longshort.report.sections import Table as Rows
from longshort.report.table import shown
from longshort.runs.explaining import Floats

_LABELLED, _LAYERS, _FURTHER = 8, 4, 24
READING = (
    "A value says how much a cell of the input moved the answer away from that for the baseline "
    "input, in the answer's own unit; it says nothing about causes in the world. Sum: how far all "
    "values are from adding up to what they should. Deletion: the cells that hold the answer up "
    "most are replaced by those of other rows, from 1 % to 50 % of them; the gain is the area by "
    "which the answer then falls further than in random order, in units of the difference that is "
    "explained. Methods that disagree are a reason to trust none of them."
)


def page(title: str, about: list[str], sections: list[Section]) -> str:
    """Return an HTML page without external files."""
    content = {"title": title, "about": about, "sections": sections, "reading": READING}
    return render("explain.html.j2", content)


def row_sections(explained: Explained) -> list[Section]:
    """Return the sections of one row: its attributions, and the inside of the layers."""
    question = explained.question
    blocks: list[Block] = [*question.about, Rows(_summary(explained))]
    blocks += _passages(explained) if question.is_text else _pictures(explained)
    blocks += [Rows(_top(explained)), Checks(explained.checks)]
    pairs = explained.agreements.items()
    said = [f"{one} and {other} {value:.2f}" for (one, other), value in pairs]
    if said:
        blocks.append(Note(f"Rank correlation of methods over the cells: {', '.join(said)}."))
    notes = [f"{name}: {each.note}" for name, each in explained.attributions.items() if each.note]
    blocks += [Note(f"{note}.") for note in (*notes, *explained.notes)]
    sections = [Section(f"Row {explained.number}: {question.name}", blocks)]
    for number, inside in enumerate(explained.inside[:_LAYERS]):
        sections.append(_inside_section(explained, inside, number))
    return sections


def _inside_section(explained: Explained, inside: Inside, number: int) -> Section:
    """Return gates and states over time, half-lives, and the units that matter most."""
    name = f"row-{explained.number}-layer-{number + 1}"
    lives, blocks = inside.half_lives, list[Block]()
    traced = next(iter(inside.states.values()))
    width = traced.shape[1]
    order = list(range(width)) if lives is None else np.argsort(-lives, kind="stable").tolist()
    steps = explained.question.steps
    names = steps if len(steps) == len(traced) else [str(n + 1) for n in range(len(traced))]
    strips = gate_strips(inside.gates, inside.states, order, names)
    blocks.append(Picture(name, strips))
    if lives is None or inside.kept is None:
        said = "No state is handed on but through a matrix, so it has no half-lives."
    else:
        picture = memory(lives, retention(inside.kept[1]), len(traced))
        blocks.append(Picture(f"{name}-memory", picture))
        said = (
            f"Units are sorted by the half-life of the state {inside.kept[0]} on this row, the "
            f"longest on top. Median half-life {_steps(float(np.median(lives)))}."
        )
    rows = [["unit", "half-life, steps", "answer changes by"]]
    for unit, life, effect in inside.units():
        number_of_effect = "-" if effect is None else f"{effect:+.3g}"
        rows.append([str(unit), "-" if life is None else _steps(life), number_of_effect])
    blocks += [Note(said), Rows(rows), Note("Changes: the unit stays at its mean over the row.")]
    return Section(f"Inside, row {explained.number}: {inside.name}", blocks)


def _steps(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "endless"


def overall_sections(found: Overall) -> list[Section]:
    """Return the sections on all answers together."""
    about = f"Means over {found.rows} rows with 95 % intervals; largest error of a sum "
    blocks: list[Block] = [
        Picture(
            "features",
            beside(
                found.size,
                found.size_interval,
                found.importance,
                found.importance_interval,
                found.features,
                found.unit,
            ),
        ),
        Note(f"{about}{found.completeness:.1e}, by {METHODS[found.method].title}."),
    ]
    if found.scored is not None and found.scored < found.rows:
        left = found.rows - found.scored
        blocks.append(Note(f"The loss of {left} of the rows is infinite; they have no importance."))
    if found.ignored:
        blocks.append(Note(f"The model ignores {', '.join(found.ignored)}."))
    elif found.importance is not None:
        blocks.append(Note("The model ignores no feature."))
    sections = [Section("What the answers rest on", blocks)]
    if found.tokens:
        rows = [["token", "mean value", "times"]]
        rows += [[token, f"{value:+.3g}", str(count)] for token, value, count in found.tokens]
        sections.append(Section("Tokens that matter most", [Rows(rows)]))
    else:
        lags = by_lag(
            found.by_lag, found.by_lag_interval, found.features, found.unit, found.first_lag
        )
        sections.append(Section("By lag", [Picture("lags", lags)]))
    return sections


def _summary(explained: Explained) -> list[list[str]]:
    """Return a column for each method."""
    unit, items = explained.question.unit, explained.attributions.items()
    return [
        ["", *(METHODS[name].title for name, _ in items)],
        [f"answer ({unit})", *(shown(each.score) for _, each in items)],
        ["baseline input", *(each.baseline for _, each in items)],
        ["answer for it", *(shown(each.reference) for _, each in items)],
        ["sum of all cells", *(shown(float(each.values.sum())) for _, each in items)],
        ["constant", *(shown(each.constant) for _, each in items)],
        ["error of the sum", *(f"{each.completeness:.1e}" for _, each in items)],
        ["deletion gain", *(f"{explained.deletions[name].gain:+.3g}" for name, _ in items)],
        ["seed", *("-" if each.seed is None else str(each.seed) for _, each in items)],
    ]


def _top(explained: Explained) -> list[list[str]]:
    names = list(explained.attributions)
    rows = [["step", "feature", *names]]
    for each in explained.top():
        rows.append([each["step"], each["feature"], *(f"{each[name]:+.4g}" for name in names)])
    return rows


def _pictures(explained: Explained) -> list[Block]:
    question = explained.question
    values = {METHODS[n].title: each.values for n, each in explained.attributions.items()}
    name = f"row-{explained.number}"
    look = question.look or Look()
    if look.frame is not None and question.shown is not None:
        pictures = film(values, question.shown, question.steps, look, question.unit)
        return [Picture(name, pictures)]
    figure = over_time(
        values,
        question.steps,
        question.features,
        question.unit,
        window=question.window,
        shown=question.shown,
        look=look,
    )
    blocks: list[Block] = [Picture(name, figure)]
    if look.path is not None:
        blocks.append(Picture(f"{name}-path", along_path(values, look, question.unit)))
    if len(question.features) > 1 and look.image != "ink":
        features = by_feature(values, question.features, question.unit)
        blocks.append(Picture(f"{name}-features", features, 620))
    return blocks


def _passages(explained: Explained) -> list[Block]:
    """Return a line of coloured tokens for each method, then other inputs that matter most."""
    question = explained.question
    count = question.tokens or len(question.steps)
    lines = []
    for name, each in explained.attributions.items():
        values, steps = each.values[:, 0], list(question.steps)
        lines.append(Line(_spans(steps[:count], values[:count]), METHODS[name].title))
        further = count + np.argsort(-np.abs(values[count:]), kind="stable")[:_FURTHER]
        if further.size:
            others = _spans([steps[n] for n in further], values[further])
            lines.append(Line(others, "n-grams"))
    unit = question.unit
    return [Passage(lines, f"Orange speaks for the answer, violet against it, in {unit}")]


def _spans(tokens: Sequence[str], values: Floats) -> list[Span]:
    largest = float(np.abs(values).max(initial=0.0))
    labelled = set(np.argsort(-np.abs(values), kind="stable")[:_LABELLED].tolist())
    found = []
    for number, (token, value) in enumerate(zip(tokens, values.tolist(), strict=True)):
        label = f"{value:+.2g}" if number in labelled else ""
        found.append(Span(f"{token}", shade(value, largest), label, f"{value:+.4g}"))
        found.append(Span(" "))
    return found
