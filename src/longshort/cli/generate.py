"""`longshort generate`: text from a language model, or drawings from a drawing model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen

if TYPE_CHECKING:
    from longshort.runs.trained import AnyTrained

NAME = "generate"

Prompt = Annotated[
    str | None,
    typer.Option("--prompt", help="Text to continue; of drawings the label, or the text to write."),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature", help="Below 1 favours likely tokens; 0: the likeliest.", show_default="0.8"
    ),
]
TopK = Annotated[
    int | None,
    typer.Option(
        "--top-k", help="Sample from this many likeliest tokens; 0: all.", show_default="0"
    ),
]
TopP = Annotated[
    float | None,
    typer.Option(
        "--top-p",
        help="Sample from the likeliest tokens with this probability in all; 1: all.",
        show_default="1",
    ),
]
Length = Annotated[
    int | None,
    typer.Option(
        "--length",
        help="Number of tokens, or of points of a drawing at most.",
        show_default="300, or as long as the longest drawing in training",
    ),
]
Bias = Annotated[
    float | None,
    typer.Option(
        "--bias",
        help="Drawings: from 0, as the model has them, to 1 and more, tidier.",
        show_default="0",
    ),
]
Count = Annotated[int | None, typer.Option("--count", help="Number of drawings.", show_default="1")]
Prime = Annotated[
    Path | None,
    typer.Option(
        "--prime",
        help="File with a drawing to go on with, or, where the model is told a text, with the hand "
        "to write in.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file of --svg.")]
Svg = Annotated[Path | None, typer.Option("--svg", help="File for the drawings as a picture.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the sampling.")]


def command(
    run: o.RunOrBundle,
    prompt: Prompt = None,
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    length: Length = None,
    bias: Bias = None,
    count: Count = None,
    prime: Prime = None,
    svg: Svg = None,
    overwrite: Overwrite = False,
    seed: Seed = 0,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Continue a prompt with a trained language model, or draw with a trained drawing model.

    Text is printed as it is generated, drawings as JSON, one a line.
    """
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.abilities import Draws
        from longshort.runs.trained import load

        trained = load(run)
        of_text = {"--temperature": temperature, "--top-k": top_k, "--top-p": top_p}
        of_drawings = {"--bias": bias, "--count": count, "--prime": prime, "--svg": svg}
        of_drawings["--overwrite"] = overwrite or None
        if isinstance(trained.task, Draws):
            _refuse(of_text, "is of text, and the run draws")
            pen = {"count": count, "bias": bias, "told": prompt, "most": length}
            _refuse_lost(svg, overwrite)
            _drawings(screen, trained, pen, seed, prime, svg)
            return
        _refuse(of_drawings, "is of drawings, and the run writes text")
        how = {"temperature": 0.8 if temperature is None else temperature} | {
            key: value for key, value in (("top_k", top_k), ("top_p", top_p)) if value is not None
        }
        _text(screen, run, trained, prompt or "", 300 if length is None else length, how, seed)


def _refuse(options: Mapping[str, object], why: str) -> None:
    """Raise `ConfigError` for the first of these options that was given."""
    from longshort.errors import ConfigError

    for name, value in options.items():
        if value is not None:
            raise ConfigError(f"{name}: {why}; leave it out")


def _text(
    screen: Screen,
    run: Path,
    trained: AnyTrained,
    prompt: str,
    length: int,
    options: dict[str, Any],
    seed: int,
) -> None:
    """Print a text piece by piece."""
    from longshort.runs.abilities import generator
    from longshort.tasks.language.generate import Sampling

    task, model = generator(run, trained.task), trained.model
    unknown = list(dict.fromkeys(task.unknown(model, prompt)))
    if unknown:
        screen.say(f"note: unknown in the prompt: {', '.join(map(repr, unknown[:10]))}")
    pieces = task.stream(model, prompt, length, Sampling(**options, seed=seed))
    if screen.as_json:
        screen.result({"prompt": prompt, "text": "".join(pieces), "seed": seed}, [])
        return
    print(prompt, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


def _drawings(
    screen: Screen,
    trained: AnyTrained,
    options: dict[str, Any],
    seed: int,
    prime: Path | None,
    svg: Path | None,
) -> None:
    """Print drawings, and write them to a picture."""
    import json

    from longshort.data.strokes.objects import written
    from longshort.data.strokes.reading import read_inks
    from longshort.data.strokes.svg import drawn
    from longshort.runfolder import write_atomic
    from longshort.runs.pen import Pen

    given = {key: value for key, value in options.items() if value is not None}
    if prime is not None:
        inks = read_inks(prime)
        given |= {"prime": inks.items[0], "primed": inks.labels[0] if inks.labels else None}
    inks_made = trained.draw(Pen(seed=seed, **given))
    if svg is not None:
        write_atomic(svg, drawn(inks_made))
    rows = [written(ink, options["told"]) for ink in inks_made]
    told = [f"written: {svg}"] if svg is not None else [json.dumps(row) for row in rows]
    screen.result({"drawings": rows, "seed": seed, "svg": None if svg is None else str(svg)}, told)


def _refuse_lost(path: Path | None, overwrite: bool) -> None:
    """Raise `ConfigError` where a picture would replace what is there, or cannot be written."""
    from longshort.errors import ConfigError

    if path is None:
        return
    if path.suffix.lower() != ".svg":
        raise ConfigError(f"--svg {path}: an SVG picture is written; give a name that ends in .svg")
    if path.exists() and (path.is_dir() or not overwrite):
        raise ConfigError(f"--svg {path}: exists; give another name or --overwrite")
    if not path.parent.is_dir():
        raise ConfigError(f"--svg {path}: the folder {path.parent} does not exist; make it first")
