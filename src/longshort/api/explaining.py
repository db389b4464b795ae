"""`explain` in Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longshort.errors import ArgumentTypeError

if TYPE_CHECKING:
    from longshort.explanation.story import Explanation


def explain(
    run: Any,
    data: object = None,
    *,
    row: int | None = None,
    worst: int | None = None,
    is_global: bool = False,
    answer: str | None = None,
    methods: Sequence[str] | str | None = None,
    baseline: str = "mean",
    check: bool = False,
    seed: int = 0,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> Explanation:
    """Explain answers of a finished run: how much each part of a row accounts for.

    run: what `fit` or `load` returned, or the path of a run. data: a file, frame or samples; the
    run's own test split when None. row: number of the row from 1 on; worst: that many rows with the
    largest loss instead; is_global: what all answers rest on. answer: what is asked about it, such
    as a label; what the model said when None. methods: of "ig", "lrp", "cd", "gradient",
    "occlusion", "shap". baseline: "mean", "permute" or "zero". check: also try random weights and
    other seeds. out: a folder for `explain.html` and `attributions.parquet`; nothing is written
    when None.

    Returns the explanation: its `rows` have the attributions, `table()` has a row for every cell.
    Raises `ConfigError` for an unknown method or a task that cannot be explained, and `DataError`
    for a row out of range.
    """
    from longshort.explanation.files import refuse_foreign, write_files
    from longshort.explanation.story import Asked, page_of
    from longshort.explanation.story import explain as explained
    from longshort.runs.trained import Trained, load

    chosen = [methods] if isinstance(methods, str) else methods
    asked = Asked(row, worst, is_global, answer, chosen, baseline, check, seed)
    trained, path = getattr(run, "_trained", run), getattr(run, "path", None)
    if isinstance(run, (str, Path)):
        trained, path = load(Path(run)), Path(run)
    if not isinstance(trained, Trained):
        raise ArgumentTypeError(f"run: a finished run or its path is expected, got {run!r}")
    if out is not None:
        refuse_foreign(Path(out), overwrite)
    found = explained(trained, data, asked.checked())
    if out is not None:
        write_files(Path(out), page_of(found, path), found.table())
    return found
