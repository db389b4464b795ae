"""The report and the model card of a run, from what its task says."""

from __future__ import annotations

from pathlib import Path

from longshort.config import to_toml
from longshort.data.splits import S
from longshort.report.render import render
from longshort.report.table import markdown, score_rows
from longshort.runs.cell import model_title
from longshort.runs.pictures import training_figure
from longshort.runs.result import Result
from longshort.runs.task import C, E, P, Task


def report_page(task: Task[C, S, E, P], result: Result[C, S, E, P], folder: Path) -> str:
    """Return the report: one HTML page without external files, so it opens offline.

    folder: the run's folder, which the usage examples name.
    """
    scores, splits, train = result.scores, result.splits, result.splits.train
    titles = [f"{name}: {each.title}" for name, each in result.scored.baselines.items()]
    notes = [f"{name} {text}" for name, text in scores["notes"].items()]
    return render(
        "page.html.j2",
        {
            "title": f"{task.words.title} of {train.name}",
            "about": task.about(result.model, splits),
            "verdict": scores["verdict"],
            "outcome": scores["outcome"],
            "rows": score_rows(scores, task.metrics),
            "scores_note": f"All on the same {task.basis(result.model, result.scored)}. "
            f"{task.words.scores}",
            "remarks": ["; ".join(titles), *notes],
            "sections": task.sections(result),
            "training_figure": training_figure(result),
            "training": scores["training"],
            "start": task.words.start,
            "split_table": task.split_table(result),
            "how": splits.how,
            "findings": result.findings,
            "settings": to_toml(result.config),
            "environment": result.environment,
            "reproduce": f"longshort run {train.path or 'DATA'} --config {folder / 'config.toml'} "
            "--out NEW_FOLDER",
        },
    )


def model_card(task: Task[C, S, E, P], result: Result[C, S, E, P]) -> str:
    """Return the model card in Markdown: training data, scores beside the baselines, and usage."""
    scores, train, packages = result.scores, result.splits.train, result.environment["packages"]
    lines = [
        f"Data: {train.path or train.name}, sha256 {train.sha256 or 'of data in memory'}; splits: "
        f"{result.splits.how}",
        *task.about(result.model, result.splits),
        f"{scores['training']['parameters']:,} parameters; weights of epoch "
        f"{scores['training']['best_epoch']}",
        *(f"Note: {name} {text}" for name, text in scores["notes"].items()),
        f"Written by longshort {packages['longshort']}, torch {packages['torch']}",
    ]
    listed = "\n".join(f"- {line}" for line in lines)
    return f"""# {model_title(result.config)} {task.words.model} of {train.name}

{scores["verdict"]}

{markdown(score_rows(scores, task.metrics))}

{listed}

{task.words.usage} Meant for data like those it was trained on; the report shows where it errs.
"""
