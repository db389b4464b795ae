"""Writes docs/faq.md, and the list of questions in README.md, from the package's questions."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

from longshort.faq.questions import Question, all_questions

ROOT = Path(__file__).parents[1]
PAGE, README = ROOT / "docs" / "faq.md", ROOT / "README.md"
BEGIN, END = "<!-- questions: written by docs/write_faq.py -->", "<!-- end of questions -->"
HEAD = """# Questions

`longshort ask WORDS` finds the nearest of these questions. In commands, DATA is a file, RUN the
folder of a finished run, FILE new data, COLUMN a column, and TASK the name of a task: forecast,
classify, regress, tag, lm, anomaly, translate, summarise or caption.
"""


def page() -> str:
    """Return the page with all answers."""
    return "\n".join([HEAD, *map(section, all_questions())])


def section(each: Question) -> str:
    """Return a question with its answer and command."""
    return f"## {each.question}\n\n{each.answer}\n\n```text\n{each.command}\n```\n"


def listed() -> str:
    """Return the questions in a paragraph for the README."""
    return "\n".join([BEGIN, fill(" ".join(each.question for each in all_questions()), 110), END])


def with_list(readme: str) -> str:
    """Return the README with the present list of questions."""
    before, _, rest = readme.partition(BEGIN)
    return before + listed() + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    README.write_text(with_list(README.read_text(encoding="utf-8")), encoding="utf-8")
