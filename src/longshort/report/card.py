"""The model card: a short README inside the run folder."""

from __future__ import annotations

from longshort.report.content import ReportInput, markdown, score_rows
from longshort.tasks.cell import cell_title


def model_card(report: ReportInput) -> str:
    """Markdown: what was trained on what, how good it is beside its baselines, how to use it."""
    config, scores = report.config, report.scores
    source = report.dataset.source
    data = source.path or source.name
    targets = ", ".join(report.dataset.schema.target[:5])
    return f"""# {cell_title(config.model)} forecaster of {targets}

{scores["verdict"]}

{markdown(score_rows(scores))}

- Data: {data}, sha256 {source.sha256 or "of a frame in memory"}
- Context {config.model.context_length} steps of {report.dataset.panel.freq}, horizon \
{config.model.horizon}; {scores["windows"]:,} test windows
- {scores["training"]["parameters"]:,} parameters; weights of epoch \
{scores["training"]["best_epoch"]}
- Written by longshort {report.environment["packages"]["longshort"]}, \
torch {report.environment["packages"]["torch"]}

Use it with `longshort predict RUN --data FILE` or `longshort.load("RUN").predict("FILE")`. Meant \
for series like those it was trained on; the report shows where it errs.
"""
