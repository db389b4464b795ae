"""`longshort transcribe`: what is said in recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen
from longshort.errors import counted

if TYPE_CHECKING:
    from longshort.runs.transcribing import Heard, Transcript

NAME = __name__.rpartition(".")[2]

Files = Annotated[
    list[str],
    typer.Argument(help="Recordings or files of features; or one table or folder of them."),
]
Beam = Annotated[int | None, typer.Option("--beam", help="Width of the search; 1 is greedy.")]
NBest = Annotated[int, typer.Option("--nbest", help="Texts for each, with their scores.")]
Alpha = Annotated[float | None, typer.Option("--alpha", help="Weight of the run's language model.")]
Beta = Annotated[
    float | None, typer.Option("--beta", help="Bonus for each of its characters or words.")
]
Timestamps = Annotated[
    bool, typer.Option("--timestamps", help="Also say when each word was said, in seconds.")
]
Texts = Annotated[
    Path | None, typer.Option("--out", "-o", help="Table to write (.csv, .tsv, .parquet, .jsonl).")
]


def command(
    run: o.RunOrBundle,
    files: Files,
    beam: Beam = None,
    n_best: NBest = 1,
    alpha: Alpha = None,
    beta: Beta = None,
    timestamps: Timestamps = False,
    encoding: o.Encoding = None,
    sets: o.SetData = None,
    out: Texts = None,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Write down what is said in recordings, with a finished run of speech recognition."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.trained import load
        from longshort.runs.transcribing import Listening
        from longshort.tables import refuse_existing

        how = Listening(beam=beam, n_best=n_best, alpha=alpha, beta=beta)
        refuse_existing(out, overwrite, is_table=True)
        trained = load(run).reading(o.reading_of(encoding, sets))
        trained.transcriber()
        samples = trained.read(files[0] if len(files) == 1 else files, screen.say)
        screen.working(f"transcribing {counted(len(samples), 'recording')}")
        found = trained.transcribe(samples, how)
        if out is not None:
            _write(out, samples.files, found)
            summary = {"recordings": len(samples), "out": str(out)}
            screen.result(summary, [f"wrote {counted(len(samples), 'transcript')} to {out}"])
            return
        rows = [
            _row(file, each, timestamps)
            for file, each in zip(samples.files, found.transcripts, strict=True)
        ]
        lines = [
            line
            for file, each in zip(samples.files, found.transcripts, strict=True)
            for line in _lines(file, each, n_best, timestamps)
        ]
        screen.result({"transcripts": rows}, lines)


def _row(file: str, found: Transcript, timestamps: bool) -> dict[str, Any]:
    """Return a transcript as plain values."""
    row: dict[str, Any] = {"file": file, "text": found.text}
    row["alternatives"] = [
        {"text": each.text, "log_prob": each.log_prob, "score": each.score} for each in found.found
    ]
    if timestamps:
        row["words"] = [
            {"word": w.word, "begin": w.begin, "end": w.end, "probability": w.probability}
            for w in found.words
        ]
    return row


def _lines(file: str, found: Transcript, n_best: int, timestamps: bool) -> list[str]:
    """Return a line for each text, then one for each word with its times."""
    lines = [f"{file}\t{found.text}"]
    if n_best > 1:
        lines = [f"{file}\t{each.score:.4f}\t{each.text}" for each in found.found]
    if timestamps:
        words = (f"{w.begin:.2f}\t{w.end:.2f}\t{w.word}\t{w.probability:.2f}" for w in found.words)
        lines += [f"\t{word}" for word in words]
    return lines


def _write(out: Path, files: list[str], found: Heard) -> None:
    """Write a table with a row for each recording."""
    import polars as pl

    from longshort.runfolder import write_atomic
    from longshort.tables import encode, readable

    pairs = list(zip(files, found.transcripts, strict=True))
    table = pl.DataFrame({"file": files, "text": [each.text for _, each in pairs],
                          "log_prob": [each.found[0].log_prob for _, each in pairs]})  # fmt: skip
    write_atomic(out, encode(table, out, readable(table)))
