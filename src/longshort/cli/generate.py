"""`longshort generate`: text from a language model."""

from __future__ import annotations

from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen

NAME = "generate"

Prompt = Annotated[str, typer.Option("--prompt", help="Text to continue.")]
Temperature = Annotated[
    float, typer.Option("--temperature", help="Below 1 favours likely tokens; 0: the likeliest.")
]
TopK = Annotated[
    int, typer.Option("--top-k", help="Sample from this many likeliest tokens; 0: all.")
]
TopP = Annotated[
    float,
    typer.Option(
        "--top-p", help="Sample from the likeliest tokens with this probability in all; 1: all."
    ),
]
Length = Annotated[int, typer.Option("--length", help="Number of tokens.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the sampling.")]


def command(
    run: o.RunOrBundle,
    prompt: Prompt = "",
    temperature: Temperature = 0.8,
    top_k: TopK = 0,
    top_p: TopP = 1.0,
    length: Length = 300,
    seed: Seed = 0,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Continue a prompt with a trained language model; text is printed as it is generated."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.abilities import generator
        from longshort.runs.trained import load
        from longshort.tasks.language.generate import Sampling

        trained = load(run)
        task, model = generator(run, trained.task), trained.model
        unknown = list(dict.fromkeys(task.unknown(model, prompt)))
        if unknown:
            screen.say(f"note: unknown in the prompt: {', '.join(map(repr, unknown[:10]))}")
        how = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        pieces = task.stream(model, prompt, length, how)
        if as_json:
            screen.result({"prompt": prompt, "text": "".join(pieces), "seed": seed}, [])
            return
        print(prompt, end="", flush=True)
        for piece in pieces:
            print(piece, end="", flush=True)
        print()
