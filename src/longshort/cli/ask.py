"""`longshort ask`: frequent questions, and the commands that answer them on one's own data."""

from __future__ import annotations

from dataclasses import asdict
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen

if TYPE_CHECKING:
    from longshort.faq.questions import Question

NAME = "ask"
_WIDTH = 80

Words = Annotated[
    list[str] | None,
    typer.Argument(
        help="Question in your own words, or its id; without it, all are listed.",
        show_default=False,
    ),
]


def command(words: Words = None, as_json: o.Json = False) -> None:
    """Answer a frequent question, with the command that answers it on your data."""
    with Screen(as_json=as_json) as screen:
        from longshort.errors import ConfigError
        from longshort.faq.questions import all_questions, nearest_questions

        if not words:
            questions = list(all_questions())
            width = max(len(each.id) for each in questions)
            lines = [f"{each.id:<{width}}  {each.question}" for each in questions]
        else:
            questions = nearest_questions(" ".join(words))
            if not questions:
                raise ConfigError(
                    f"ask: no question is near {' '.join(words)!r}; `longshort ask` lists all"
                )
            lines = _answers(questions)
        screen.result({"questions": [asdict(each) for each in questions]}, lines)


def _answers(questions: list[Question]) -> list[str]:
    """Return the first question with its answer and command, and the names of the others."""
    first, *others = questions
    lines = [first.question, "", fill(first.answer, _WIDTH), "", f"  {first.command}"]
    if others:
        lines += [
            "",
            "see also:",
            *(f"  longshort ask {each.id:<17} {each.question}" for each in others),
        ]
    return lines
