"""`longshort run`: the whole job."""

from __future__ import annotations

from pathlib import Path

from longshort.cli import options as o
from longshort.cli.screen import Screen, result_lines

NAME = "run"


def command(
    data: o.Data = None,
    example: o.Example = None,
    task: o.Task = None,
    target: o.Target = None,
    time: o.Time = None,
    group: o.Group = None,
    past: o.Past = None,
    future: o.Future = None,
    static: o.Static = None,
    freq: o.Freq = None,
    horizon: o.Horizon = None,
    context: o.Context = None,
    quantiles: o.Quantiles = None,
    text: o.Text = None,
    label: o.Label = None,
    tokens: o.Tokens = None,
    val: o.Val = None,
    test: o.Test = None,
    encoding: o.Encoding = None,
    seed: o.Seed = None,
    config: o.Config = None,
    sets: o.Set = None,
    out: o.Out = None,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Check the data, split, train, evaluate beside the baselines, and write a report."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        named = o.named_options(
            task=task,
            target=target,
            time=time,
            group=group,
            past=past,
            future=future,
            static=static,
            freq=freq,
            horizon=horizon,
            context=context,
            quantiles=quantiles,
            text=text,
            label=label,
            tokens=tokens,
            val=val,
            test=test,
            encoding=encoding,
            seed=seed,
        )
        settings = o.settings_of(data=data, example=example, config=config, sets=sets, named=named)

        from longshort.runfolder import REPORT, free_folder
        from longshort.runs import story

        table = settings.get("data")
        source = str((table.get("path") if isinstance(table, dict) else None) or "data")
        folder = out or free_folder(Path("runs"), Path(source).name.split(".")[0])
        scores = story.run(
            settings, folder, overwrite=overwrite, say=screen.say, listen=screen.listen
        )
        report = folder / REPORT
        screen.result(
            {"run": str(folder), "report": str(report), **scores},
            result_lines(scores, f"Report: {report}"),
        )
