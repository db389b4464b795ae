"""Options that several commands share, and the settings that they make together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Data = Annotated[
    str | None,
    typer.Argument(help="CSV, TSV, Parquet, JSON lines or text, gzip too.", show_default=False),
]
Example = Annotated[
    str | None,
    typer.Option(
        "--example",
        help="Embedded data instead: co2, elnino, weather, topics, recipes, shakespeare.",
    ),
]
Target = Annotated[
    str | None, typer.Option("--target", help="Columns to forecast, comma separated, or 'all'.")
]
Time = Annotated[str | None, typer.Option("--time", help="Timestamp column, or date,time; found.")]
Group = Annotated[str | None, typer.Option("--group", help="Columns that name a series.")]
Past = Annotated[str | None, typer.Option("--past", help="Covariates known in the past only.")]
Future = Annotated[str | None, typer.Option("--future", help="Covariates known ahead.")]
Static = Annotated[str | None, typer.Option("--static", help="Covariates constant in a series.")]
Freq = Annotated[str | None, typer.Option("--freq", help="Step: 15min, 1h, 1d, B, 1w, 1mo, …")]
Horizon = Annotated[int | None, typer.Option("--horizon", help="Steps to forecast.")]
Context = Annotated[int | None, typer.Option("--context", help="Steps seen before the forecast.")]
Quantiles = Annotated[
    str | None, typer.Option("--quantiles", help="For intervals, such as 0.1,0.5,0.9.")
]
Text = Annotated[str | None, typer.Option("--text", help="Column of the text, to classify.")]
Label = Annotated[str | None, typer.Option("--label", help="Column of the label.")]
Tokens = Annotated[
    str | None, typer.Option("--tokens", help="Of texts: words, spaces, characters, bytes, …")
]
Val = Annotated[str | None, typer.Option("--val", help="File of the validation part.")]
Test = Annotated[str | None, typer.Option("--test", help="File of the test part.")]
Encoding = Annotated[
    str | None, typer.Option("--encoding", help="Of text files, such as cp1252; found by itself.")
]
Task = Annotated[
    str | None, typer.Option("--task", help="forecast (if nothing is said), classify, tag or lm.")
]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file, as `init` writes.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any setting: --set model.hidden=128.", metavar="KEY=VALUE"),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Of all random numbers.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Run folder; a new one under runs/.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what --out already holds.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout, nothing else.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print warnings and the result only.")]
RunPath = Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")]


def settings_of(
    *,
    data: str | None = None,
    example: str | None = None,
    config: Path | None = None,
    sets: list[str] | None = None,
    named: dict[str, object] | None = None,
) -> dict[str, Any]:
    """Nested settings: the file's, over them the example's, the named options', and --set."""
    from longshort.config import assign, parse_assignments, read_toml
    from longshort.errors import ConfigError

    settings: dict[str, Any] = read_toml(config) if config else {}
    if example is not None:
        from longshort.data.examples import example as find

        if data is not None:
            raise ConfigError(f"give a file or --example, not both: {data!r}, {example!r}")
        path, chosen = find(example)
        for key, value in {"data.path": str(path), **chosen}.items():
            assign(settings, key, value)
    if data is not None:
        assign(settings, "data.path", data)
    for key, value in (named or {}).items():
        if value is not None:
            assign(settings, key, value)
    for key, value in parse_assignments(sets or []).items():
        assign(settings, key, value)
    return settings


def named_options(
    *,
    target: str | None,
    time: str | None,
    group: str | None,
    past: str | None,
    future: str | None,
    static: str | None,
    freq: str | None,
    horizon: int | None = None,
    context: int | None = None,
    quantiles: str | None = None,
    seed: int | None = None,
    task: str | None = None,
    text: str | None = None,
    label: str | None = None,
    tokens: str | None = None,
    val: str | None = None,
    test: str | None = None,
    encoding: str | None = None,
) -> dict[str, object]:
    """The dotted settings behind the named options."""
    return {
        "task": task,
        "data.target": target,
        "data.time": time,
        "data.group": group,
        "data.past": past,
        "data.future": future,
        "data.static": static,
        "data.freq": freq,
        "data.text": text,
        "data.label": label,
        "text.tokens": tokens,
        "data.val_path": val,
        "data.test_path": test,
        "data.encoding": encoding,
        "model.horizon": horizon,
        "model.context_length": context,
        "model.quantiles": _numbers(quantiles),
        "train.seed": seed,
    }


def _numbers(text: str | None) -> list[float] | None:
    from longshort.errors import ConfigError

    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(
            f"--quantiles: numbers like 0.1,0.5,0.9 are expected, got {text!r}"
        ) from (None)
