"""`longshort write`: a text for each text, such as its translation or summary."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longshort.cli import options as o
from longshort.cli.attention import Attention, put_attention, refuse_place, refuse_several
from longshort.cli.scoring import put_scores
from longshort.cli.screen import Screen
from longshort.cli.stdin import lines as stdin_lines
from longshort.errors import ConfigError, counted

if TYPE_CHECKING:
    from longshort.runs.trained import AnyTrained
    from longshort.runs.writing import Drawing, Writing, Written

NAME = "write"

File = Annotated[
    str | None,
    typer.Option("--data", help="File with a text on every line, or a table; stdin when absent."),
]
Texts = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="File to write: a text a line, or a table (.csv, .tsv, .parquet, .jsonl).",
    ),
]
Beam = Annotated[int | None, typer.Option("--beam", help="Width of the search; 1 is greedy.")]
NBest = Annotated[
    int, typer.Option("--n-best", help="Texts for each, with their log probabilities.")
]
Penalty = Annotated[
    float | None, typer.Option("--length-penalty", help="Above 0 favours longer texts.")
]
Sample = Annotated[
    bool, typer.Option("--sample", help="Draw texts at random instead of searching for the best.")
]
Temperature = Annotated[
    float | None,
    typer.Option("--temperature", help="Of --sample: below 1 favours likely tokens (1)."),
]
TopK = Annotated[
    int | None, typer.Option("--top-k", help="Of --sample: only this many likeliest tokens (all).")
]
TopP = Annotated[
    float | None,
    typer.Option(
        "--top-p", help="Of --sample: the likeliest tokens with this probability in all (1: all)."
    ),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Of --sample: the same seed, the same texts (0).")
]
Score = Annotated[
    Path | None,
    typer.Option(
        "--score",
        help="File with a given text for each source: say how probable these are, and write none.",
    ),
]


def command(
    run: o.RunOrBundle,
    data: File = None,
    beam: Beam = None,
    n_best: NBest = 1,
    length_penalty: Penalty = None,
    sample: Sample = False,
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    seed: Seed = None,
    attention: Attention = None,
    score: Score = None,
    encoding: o.Encoding = None,
    sets: o.SetData = None,
    out: Texts = None,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Write a text for each text with a finished run: translate it, or summarise it."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.trained import load
        from longshort.runs.writing import Writing
        from longshort.tables import refuse_existing

        drawn = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
        how = Writing(
            beam=beam, n_best=n_best, length_penalty=length_penalty, drawing=_drawing(sample, drawn)
        )
        if score is not None:
            _refuse_with_score(how, attention)
        refuse_existing(out, overwrite, is_table=score is not None)
        refuse_place(attention, overwrite)
        trained = load(run).reading(o.reading_of(encoding, sets))
        trained.writer()
        is_plain = not (data or out or attention or score or as_json)
        if is_plain and _is_terminal():
            _talk(screen, trained, how)
            return
        samples = _samples(screen, trained, data)
        if score is not None:
            put_scores(screen, trained, samples, score, encoding, out)
            return
        refuse_several(attention, len(samples))
        screen.working(f"writing {counted(len(samples), 'text')}")
        found = trained.write(samples, how)
        if attention is not None:
            attended = trained.attended(samples, found)
            put_attention(attention, samples.places, attended, screen.say)
        _put_out(screen, samples, found, how, out)


def _drawing(is_asked: bool, given: dict[str, Any]) -> Drawing | None:
    """Return how texts are drawn; raises `ConfigError` for its flags without `--sample`."""
    from longshort.runs.writing import Drawing

    chosen = {name: value for name, value in given.items() if value is not None}
    if is_asked:
        return Drawing(**chosen)
    if chosen:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in chosen)
        raise ConfigError(f"{flags}: of texts that are drawn; add --sample, or leave it out")
    return None


def _refuse_with_score(how: Writing, attention: Path | None) -> None:
    given = {
        "--beam": how.beam is not None,
        "--n-best": how.n_best != 1,
        "--length-penalty": how.length_penalty is not None,
        "--sample": how.drawing is not None,
        "--attention": attention is not None,
    }
    useless = [name for name, is_given in given.items() if is_given]
    if useless:
        raise ConfigError(
            f"{', '.join(useless)}: without effect, as --score writes no text; leave it out"
        )


def _samples(screen: Screen, trained: AnyTrained, data: str | None) -> Any:
    if data is None:
        return trained.read_lines(list(stdin_lines()), 1, screen.say)
    return trained.read(data, screen.say)


def _talk(screen: Screen, trained: AnyTrained, how: Writing) -> None:
    """Prompt for texts, and print what is written for each."""
    screen.close()
    _prompt()
    for number, line in enumerate(stdin_lines(), 1):
        found = trained.write(trained.read_lines([line], number, screen.say), how)
        print("\n".join(_lines(found, how)), flush=True)
        _prompt()
    print(file=sys.stderr)


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _prompt() -> None:
    print("> ", end="", file=sys.stderr, flush=True)


def _lines(found: Written, how: Writing) -> list[str]:
    """Return the best texts; of several also the number of the source, and log probabilities."""
    if how.n_best == 1:
        return found.texts
    return [
        f"{number}\t{each.log_prob:.4f}\t{each.text}"
        for number, targets in enumerate(found.targets, 1)
        for each in targets
    ]


def _rows(samples: Any, found: Written) -> list[dict[str, Any]]:
    """Return a row for each text, the best of a source first, or as they were drawn."""
    sources = zip(samples.places, samples.sources, found.targets, strict=True)
    return [
        {
            "place": place,
            "source": source,
            "rank": rank,
            "text": each.text,
            "log_prob": each.log_prob,
            "is_cut": each.is_cut,
        }
        for place, source, targets in sources
        for rank, each in enumerate(targets, 1)
    ]


def _put_out(screen: Screen, samples: Any, found: Written, how: Writing, out: Path | None) -> None:
    import polars as pl

    from longshort.runfolder import write_atomic
    from longshort.tables import encode, has_table_name, readable

    rows, lines = _rows(samples, found), _lines(found, how)
    cut = sum(each[0].is_cut for each in found.targets)
    if cut:
        screen.say(f"note: {cut:,} texts were cut at the greatest length (write.max_ratio)")
    if out is None:
        screen.result({"texts": len(samples), "written": rows}, lines)
        return
    if has_table_name(out):
        table = pl.DataFrame(rows)
        write_atomic(out, encode(table, out, readable(table)))
    else:
        write_atomic(out, "".join(f"{line}\n" for line in lines).encode())
    summary = {"texts": len(samples), "out": str(out)}
    screen.result(summary, [f"wrote {counted(len(rows), 'text')} to {out}"])
