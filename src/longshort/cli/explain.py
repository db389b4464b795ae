"""`longshort explain`: what an answer of a finished run rests on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen, table

if TYPE_CHECKING:
    from longshort.explanation.overall import Overall
    from longshort.explanation.story import Explanation

NAME = "explain"

File = Annotated[
    str | None, typer.Option("--data", help="File; the run's own test split when absent.")
]
Row = Annotated[int | None, typer.Option("--row", help="Number of the row, from 1 on; the first.")]
Worst = Annotated[
    int | None, typer.Option("--worst", help="That many rows with the largest loss instead.")
]
Global = Annotated[
    bool, typer.Option("--global", help="Explain what all answers rest on, instead of a row.")
]
Check = Annotated[
    bool, typer.Option("--check", help="Also try random weights and other seeds, which takes long.")
]
Answer = Annotated[
    str | None,
    typer.Option(
        "--answer", help="What is asked about the row, such as a label or a step of the horizon."
    ),
]
Methods = Annotated[
    str | None,
    typer.Option(
        "--method",
        help="Methods, separated by commas: ig, lrp, cd, gradient, occlusion, shap.",
        show_default="ig,lrp",
    ),
]
Baseline = Annotated[
    str, typer.Option("--baseline", help="What inputs are compared with: mean, permute or zero.")
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of everything that is drawn.")]
Folder = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder of explain.html and attributions.parquet; the run's."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace files there that are no explanations.")
]


def command(
    run: o.RunPath,
    data: File = None,
    row: Row = None,
    worst: Worst = None,
    is_global: Global = False,
    answer: Answer = None,
    method: Methods = None,
    baseline: Baseline = "mean",
    check: Check = False,
    seed: Seed = 0,
    encoding: o.Encoding = None,
    sets: o.SetData = None,
    out: Folder = None,
    overwrite: Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Explain answers of a finished run: how much each part of a row accounts for."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.explanation.files import refuse_foreign, write_files
        from longshort.explanation.story import Asked, explain, page_of
        from longshort.runs.trained import load

        methods = None if method is None else [each.strip() for each in method.split(",")]
        asked = Asked(row, worst, is_global, answer, methods, baseline, check, seed).checked()
        folder = run if out is None else out
        trained = load(run).reading(o.reading_of(encoding, sets))
        trained.explainer()
        refuse_foreign(folder, overwrite)
        found = explain(trained, data, asked, screen.say, screen.working)
        page, cells = write_files(folder, page_of(found, run), found.table())
        files = {"page": str(page), "table": str(cells)}
        screen.result({**found.to_dict(), **files}, [*_lines(found), f"wrote {page} and {cells}"])


def _overall_lines(found: Overall) -> list[str]:
    """Return a line for each feature, or for the tokens that matter most."""
    rows = [["feature", f"mean |attribution| ({found.unit})", "rise of the loss when mixed up"]]
    for k, name in enumerate(found.features):
        rise = "-" if found.importance is None else f"{found.importance[k]:+.4g}"
        rows.append([name, f"{found.size[k]:.4g}", rise])
    if found.tokens:
        rows = [["token", "mean value", "times"]]
        rows += [[token, f"{value:+.4g}", str(count)] for token, value, count in found.tokens]
    ignored = ", ".join(found.ignored)
    return [*table(rows), *([f"the model ignores {ignored}"] if ignored else [])]


def _lines(found: Explanation) -> list[str]:
    """Return the top cells of each row, and the checks."""
    if found.overall is not None:
        return _overall_lines(found.overall)
    lines: list[str] = []
    for each in found.rows:
        names = list(each.attributions)
        rows = [["step", "feature", *names]]
        rows += [
            [top["step"], top["feature"], *(f"{top[name]:+.4g}" for name in names)]
            for top in each.top()
        ]
        lines += [f"row {each.number}: {each.question.name} ({each.question.unit})", *table(rows)]
        for name, passed, text in each.checks:
            lines.append(f"{'ok' if passed else 'warning'}: {name} {text}")
        for (one, other), value in each.agreements.items():
            lines.append(f"{one} and {other} agree with a rank correlation of {value:.2f}")
        lines += [f"note: {note}" for note in each.notes] + [""]
    return lines
