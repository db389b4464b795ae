"""`longshort write --score`: how probable given texts are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from longshort.errors import counted

if TYPE_CHECKING:
    from longshort.cli.screen import Screen
    from longshort.runs.trained import AnyTrained
    from longshort.runs.writing import Likelihood


def put_scores(
    screen: Screen,
    trained: AnyTrained,
    samples: Any,
    score: Path,
    encoding: str | None,
    out: Path | None,
) -> None:
    """Put out the log probabilities of the lines of the file `score`, one for each sample."""
    import polars as pl

    from longshort.data.textfiles import read_text
    from longshort.runfolder import write_atomic
    from longshort.runs.writing import perplexity
    from longshort.tables import encode, readable

    targets = read_text(score, encoding).lines
    screen.working(f"scoring {counted(len(targets), 'text')}")
    found = trained.likelihoods(samples, targets, str(score))
    named = zip(samples.places, samples.sources, targets, found, strict=True)
    rows = [_row(*each) for each in named]
    table = pl.DataFrame(rows)
    summary: dict[str, Any] = {
        "perplexity": perplexity(found),
        "log_prob": sum(each.log_prob for each in found),
        "tokens": sum(len(each.tokens) for each in found),
    }
    said = f"perplexity {summary['perplexity']:.4g} of {summary['tokens']:,} tokens, the ends too"
    if out is not None:
        write_atomic(out, encode(table, out, readable(table)))
        lines = [f"wrote {counted(len(rows), 'row')} to {out}", said]
        screen.result(summary | {"out": str(out)}, lines)
        return
    whole = zip(rows, found, strict=True)
    summary["targets"] = [row | {"token_log_probs": _each(f)} for row, f in whole]
    screen.say(said)
    screen.result(summary, [readable(table).write_csv().rstrip("\n")])


def _row(place: str, source: str, target: str, found: Likelihood) -> dict[str, Any]:
    return {
        "place": place,
        "source": source,
        "target": target,
        "tokens": len(found.tokens),
        "log_prob": found.log_prob,
        "per_token": found.per_token,
    }


def _each(found: Likelihood) -> list[list[Any]]:
    """Return tokens with their log probabilities."""
    return [list(each) for each in zip(found.tokens, found.log_probs.tolist(), strict=True)]
