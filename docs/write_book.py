"""Runs the chapters of docs/learn, and writes their code, output and pictures into the pages.

README.zh.md gets the blocks of README.md, and the first page the time of benchmarks/newcomer.py.

    python docs/write_book.py            # run all chapters, write what changed
    python docs/write_book.py 03 05      # these only
    python docs/write_book.py --kept     # write pages from kept results, without running

A chapter is one source, `learn/code/NN_name.py`, in cells that begin with `# %% name`. Pages of
both languages show them: after `<!-- cell: name | what the picture shows -->` this script writes
code, output and picture, up to `<!-- end -->`. A cell whose lines are all comments holds commands
of a shell. `learn/out/NN_name/` keeps what each cell printed and drew. Pictures keep their text as
text, and `learn/labels.toml` has the Chinese for it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import sys
import tempfile
import tomllib
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

ROOT = Path(__file__).parents[1]
LEARN = ROOT / "docs" / "learn"
READMES = ("README.md", "README.zh.md")
LANGUAGES = ("", ".zh")
_LUCK = 0.05
"""Share of the largest number of a column below which numbers of a training are luck."""
MARK = re.compile(r"<!-- cell: (\w+)(?: \| (.*?))? -->\n(?:.*?<!-- end -->\n)?", re.DOTALL)
CODE = re.compile(r"```(?:sh|text|python)\n.*?```", re.DOTALL)
QUESTIONS = re.compile(r"(<!-- questions -->)\n.*?(<!-- end of questions -->)", re.DOTALL)
HEAD = re.compile(r"^# %% (\w+)( about)?\n", re.MULTILINE)
NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?")
TEXT = re.compile(r"(<text[^>]*>)([^<]*)(</text>)")


@dataclass(frozen=True)
class Cell:
    """A piece of a chapter's code; `code` is what the reader sees, or commands of a shell.

    is_training: the head says `about`: what the cell prints comes from a training, and differs
    from machine to machine.
    """

    name: str
    code: str
    is_training: bool = False

    @property
    def tolerance(self) -> float:
        """Share of itself by which a number may differ from machine to machine."""
        return 0.4 if self.is_training else 0.02

    @property
    def is_shell(self) -> bool:
        """Whether the cell holds commands in comments, not Python."""
        return all(line.startswith("#") for line in self.code.splitlines() if line)

    @property
    def commands(self) -> list[str]:
        """Return the commands of a cell for the shell."""
        return [line.removeprefix("# ") for line in self.code.splitlines()]

    @property
    def shown(self) -> str:
        """Return the cell as a block of Markdown."""
        if self.is_shell:
            return f"```sh\n{chr(10).join(self.commands)}\n```\n"
        return f"```python\n{self.code}\n```\n"


@dataclass(frozen=True)
class Result:
    """What a cell printed, and its picture as SVG; empty where there is none."""

    printed: str = ""
    picture: str = ""


@dataclass(frozen=True)
class Chapter:
    """A chapter: its source, and where its results and pages are."""

    source: Path

    @property
    def name(self) -> str:
        """Return the name of source, folder and pages."""
        return self.source.stem

    @property
    def folder(self) -> Path:
        """Return the folder of the results."""
        return LEARN / "out" / self.name

    def page(self, language: str) -> Path:
        """Return the page in a language, such as "" or ".zh"."""
        return LEARN / f"{self.name}{language}.md"

    def cells(self) -> list[Cell]:
        """Return the cells in order."""
        parts = HEAD.split(self.source.read_text(encoding="utf-8"))
        return [
            Cell(name, code.strip(), bool(about))
            for name, about, code in zip(*(parts[n::3] for n in (1, 2, 3)), strict=True)
        ]

    def kept(self) -> dict[str, Result]:
        """Return the results that are kept in the folder, by cell."""
        return {cell.name: self._kept(cell.name) for cell in self.cells()}

    def _kept(self, name: str) -> Result:
        text, picture = self.folder / f"{name}.txt", self.folder / f"{name}.svg"
        return Result(
            *(path.read_text("utf-8") if path.exists() else "" for path in (text, picture))
        )


def chapters() -> list[Chapter]:
    """Return all chapters in order."""
    return [Chapter(path) for path in sorted((LEARN / "code").glob("*.py"))]


def run(chapter: Chapter) -> dict[str, Result]:
    """Run the cells of a chapter in one namespace, in a new folder; returns their results."""
    import matplotlib as mpl

    from longshort.report.svg import STYLE

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names: dict[str, Any] = {"__name__": "__main__"}
    look = STYLE | {"figure.facecolor": "none", "axes.facecolor": "none", "text.parse_math": True}
    look |= {"figure.figsize": (6.8, 3.0), "figure.constrained_layout.use": True}
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.chdir(folder),
            mpl.rc_context(look),
        ):
            return {cell.name: _run_cell(chapter, cell, names) for cell in chapter.cells()}
    finally:
        plt.close("all")  # pyplot keeps what the code of the book draws


def _run_cell(chapter: Chapter, cell: Cell, names: dict[str, Any]) -> Result:
    printed, errors = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
            if cell.is_shell:
                for command in "\n".join(cell.commands).replace("\\\n", " ").splitlines():
                    _run_command(command)
            else:
                exec(compile(cell.code, f"{chapter.name}: {cell.name}", "exec"), names)
    except Exception:
        sys.stderr.write(errors.getvalue() + traceback.format_exc())
        raise RuntimeError(f"{chapter.name}: the cell {cell.name} fails") from None
    figure = names.pop("figure", None)  # the name by which the book's code calls what it draws
    text = printed.getvalue().replace(f"{Path.cwd()}/", "")
    lines = [line.rstrip() for line in text.splitlines()]
    return Result("\n".join(lines).strip("\n"), _picture(figure, f"{chapter.name}-{cell.name}"))


def _run_command(line: str) -> None:
    from longshort.cli.main import main

    words, kept = shlex.split(line), sys.argv
    if words[0] != "longshort":
        raise ValueError(f"a command of longshort is expected, got {line!r}")
    sys.argv = words
    try:
        main()
    except SystemExit as stop:
        if stop.code:
            raise RuntimeError(f"{line}: exit code {stop.code}") from None
    finally:
        sys.argv = kept


def _picture(figure: Any, name: str) -> str:
    """Return a figure as SVG whose colours follow those of the page; "" for none."""
    if figure is None:
        return ""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->\n?| *<metadata>.*?</metadata>\n", "", text, flags=re.DOTALL)
    text = text.replace("stroke: #e6e6e6", "stroke: currentColor; stroke-opacity: .15")
    text = re.sub(r"(fill|stroke): #(000000|555555|1c1c1c)", r"\1: currentColor", text)
    text = text.replace('<text style="', '<text fill="currentColor" style="')
    text = re.sub(r'(?<=id=")|(?<=url\(#)|(?<=href="#)', f"{name}-", text)
    return re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", text)


def in_chinese(picture: str) -> str:
    """Return a picture with its text in Chinese, where there is a translation."""
    labels = translations()
    return TEXT.sub(lambda found: found[1] + translated(found[2], labels) + found[3], picture)


def translated(text: str, labels: dict[str, str]) -> str:
    """Return a label in Chinese; in `labels`, # stands for a number."""
    pattern = NUMBER.sub("#", text)
    if pattern not in labels:
        return text
    numbers = iter(NUMBER.findall(text))
    return re.sub("#", lambda _: next(numbers), labels[pattern])


def translations() -> dict[str, str]:
    """Return the Chinese of the pictures' texts."""
    return tomllib.loads((LEARN / "labels.toml").read_text(encoding="utf-8"))


def block(chapter: Chapter, cell: Cell, result: Result, about: str, language: str) -> str:
    """Return what a page shows of a cell."""
    parts = [cell.shown]
    if result.printed:
        parts.append(f"```text\n{wrapped(result.printed)}\n```\n")
    if result.picture:
        parts.append(f"![{about}](out/{chapter.name}/{cell.name}{language}.svg)\n")
    return "\n".join(parts)


def wrapped(printed: str) -> str:
    """Return output with long sentences broken, as a terminal does; tables stay as they are."""
    lines = printed.splitlines()
    return "\n".join(fill(line, 88) if "  " not in line else line for line in lines)


def filled(chapter: Chapter, results: dict[str, Result], language: str) -> str:
    """Return a page with the present cells and results."""
    cells = {cell.name: cell for cell in chapter.cells()}

    def write(found: re.Match[str]) -> str:
        name, about = found[1], found[2] or ""
        tail = f" | {about}" if about else ""
        shown = block(chapter, cells[name], results[name], about, language)
        return f"<!-- cell: {name}{tail} -->\n{shown}<!-- end -->\n"

    page = MARK.sub(write, chapter.page(language).read_text(encoding="utf-8"))
    return QUESTIONS.sub(lambda found: f"{found[1]}\n{questions(language)}{found[2]}", page)


def questions(language: str) -> str:
    """Return all questions of the package with answer and command."""
    from longshort.faq.questions import all_questions

    chinese = tomllib.loads((LEARN / "questions.zh.toml").read_text(encoding="utf-8"))
    parts = []
    for each in all_questions():
        said = {"question": each.question, "answer": each.answer}
        said = chinese[each.id] if language else said
        parts.append(
            f"### {said['question']}\n\n{said['answer']}\n\n```text\n{each.command}\n```\n"
        )
    return "\n".join(parts)


def write(chapter: Chapter, results: dict[str, Result]) -> None:
    """Write results and pages."""
    chapter.folder.mkdir(parents=True, exist_ok=True)
    for path in chapter.folder.iterdir():
        path.unlink()
    for name, result in results.items():
        for ending, text in _files(result):
            (chapter.folder / f"{name}{ending}").write_text(text, encoding="utf-8")
    for language in LANGUAGES:
        if chapter.page(language).exists():
            chapter.page(language).write_text(filled(chapter, results, language), "utf-8")


def _files(result: Result) -> Iterator[tuple[str, str]]:
    if result.printed:
        yield ".txt", result.printed
    if result.picture:
        yield ".svg", result.picture
        yield ".zh.svg", in_chinese(result.picture)


def differences(kept: Result, now: Result, cell: Cell) -> str:
    """Return how a result differs from the one that is kept; "" if it does not.

    Texts must be equal but for their numbers, which may differ by the cell's tolerance or by one
    unit of their last digit: machines round differently. Of a training the order of the rows is
    left out, and what is said about chance; and numbers that are small beside others of their
    column may differ as if they were a twentieth of the largest, since a few errors are luck. Of
    pictures the words count, but of a training's what stands in quotation marks, such as what a
    model read, does not.
    """
    old, new = ((_sure if cell.is_training else str.strip)(each.printed) for each in (kept, now))
    if NUMBER.sub("#", _spaced(old)) != NUMBER.sub("#", _spaced(new)):
        return f"was\n{old}\nis\n{new}"
    rows = [NUMBER.findall(line) for line in old.splitlines()]
    placed = [(number, place) for row in rows for place, number in enumerate(row)]
    for (a, place), b in zip(placed, NUMBER.findall(new), strict=True):
        was, found = _value(a), _value(b)
        size = max(abs(was), abs(found))
        if cell.is_training:
            size = max(size, _LUCK * max(abs(_value(r[place])) for r in rows if len(r) > place))
        if abs(was - found) > max(cell.tolerance * size, 1.01 * _unit(a)):
            return f"{a} is {b} in\n{new}"
    was_told, is_told = (_words(each.picture, cell.is_training) for each in (kept, now))
    return "" if was_told == is_told else f"the picture has the texts {is_told}"


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _words(picture: str, is_training: bool) -> set[str]:
    """Return the texts of a picture, with # for numbers."""
    found = {NUMBER.sub("#", text) for _, text, _ in TEXT.findall(picture)}
    return {text for text in found if not (is_training and is_quoted(text))}


def is_quoted(text: str) -> bool:
    """Whether a picture's text is data in quotation marks, which nobody translates."""
    return text.startswith("“") and text.endswith("”")


def _sure(printed: str) -> str:
    """Return the rows of a training's output in order, without notes and verdict."""
    table = printed.partition("\n\n")[0].splitlines()
    return "\n".join(sorted(line.strip() for line in table if not line.startswith("note:")))


def _spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _unit(number: str) -> float:
    """Return the value of a number's last digit."""
    mantissa, _, exponent = number.partition("e")
    digits = len(mantissa.partition(".")[2])
    return float(10.0 ** (int(exponent or 0) - digits))


NEWCOMER = {
    "": (
        "Measured from nothing to the first verdict: {install:.0f} s of processor time for the "
        "installation with PyTorch and the C++ part, {run:.0f} for the run, {size} MB on the disk "
        "([how](../benchmarks/newcomer.py), [result](../benchmarks/results/newcomer.json))."
    ),
    ".zh": (
        "从零到第一个结论，实测：安装（含 PyTorch 和 C++ 部分）用 {install:.0f} 秒处理器时间，运行 "
        "{run:.0f} 秒，占磁盘 {size} MB（[方法](../benchmarks/newcomer.py)，"
        "[结果](../benchmarks/results/newcomer.json)）。"
    ),
}


def first_page(language: str) -> str:
    """Return the first page of the docs with the measured path of a newcomer."""
    page = (ROOT / "docs" / f"index{language}.md").read_text(encoding="utf-8")
    found = json.loads((ROOT / "benchmarks/results/newcomer.json").read_text(encoding="utf-8"))
    used = {name: step["processor"] for name, step in found["steps"].items()}
    run, size = used.pop("first run"), found["installed_mb"]
    told = NEWCOMER[language].format(install=sum(used.values()), run=run, size=size)
    mark = r"(<!-- newcomer -->\n).*?(<!-- end -->)"
    return re.sub(mark, lambda each: f"{each[1]}\n{told}\n\n{each[2]}", page, flags=re.DOTALL)


def chinese_readme() -> str:
    """Return README.zh.md with the blocks of README.md; raises where their number differs."""
    english, chinese = (Path(ROOT / name).read_text("utf-8") for name in READMES)
    blocks = CODE.findall(english)
    if len(CODE.findall(chinese)) != len(blocks):
        raise ValueError(
            f"README.zh.md: {len(blocks)} blocks of code are expected, as in README.md"
        )
    given = iter(blocks)
    return CODE.sub(lambda _: next(given), chinese)


def main(wanted: list[str]) -> None:
    """Run and write the chapters whose names begin so, or all; --kept does not run them."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    is_kept = "--kept" in wanted
    wanted = [each for each in wanted if each != "--kept"]
    for chapter in chapters():
        if not wanted or chapter.name.startswith(tuple(wanted)):
            print(chapter.name, flush=True)
            write(chapter, chapter.kept() if is_kept else run(chapter))
    (ROOT / READMES[1]).write_text(chinese_readme(), encoding="utf-8")
    for language in LANGUAGES:
        (ROOT / "docs" / f"index{language}.md").write_text(first_page(language), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
