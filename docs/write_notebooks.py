"""Writes a notebook for each chapter and language, from its page, its code and its kept results.

python docs/write_notebooks.py FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from write_book import LANGUAGES, MARK, Cell, Chapter, Result, chapters


def notebook(chapter: Chapter, language: str) -> dict[str, Any]:
    """Return a notebook of format 4.5."""
    cells = [
        each | {"id": f"cell-{n}", "metadata": {}}
        for n, each in enumerate(_cells(chapter, language))
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def _cells(chapter: Chapter, language: str) -> Iterator[dict[str, Any]]:
    """Yield text and code in the page's order."""
    code, results = {cell.name: cell for cell in chapter.cells()}, chapter.kept()
    text, begin = chapter.page(language).read_text(encoding="utf-8"), 0
    for count, mark in enumerate(MARK.finditer(text), 1):
        if before := text[begin : mark.start()].strip():
            yield {"cell_type": "markdown", "source": before}
        yield _code(code[mark[1]], results[mark[1]], count)
        begin = mark.end()
    if rest := text[begin:].strip():
        yield {"cell_type": "markdown", "source": rest}


def _code(cell: Cell, result: Result, count: int) -> dict[str, Any]:
    outputs: list[dict[str, Any]] = []
    if result.printed:
        outputs.append({"output_type": "stream", "name": "stdout", "text": result.printed})
    if result.picture:
        data = {"image/svg+xml": result.picture}
        outputs.append({"output_type": "display_data", "metadata": {}, "data": data})
    return {
        "cell_type": "code",
        "source": source(cell),
        "execution_count": count,
        "outputs": outputs,
    }


def source(cell: Cell) -> str:
    """Return a cell's code as a notebook needs it: commands of the shell begin with !."""
    if cell.is_shell:
        joined = "\n".join(cell.commands).replace("\\\n", "\0")
        return "\n".join(f"!{line}" for line in joined.splitlines()).replace("\0", "\\\n")
    shown = "\nfigure" if ".plot()[" in cell.code else ""  # what pyplot made is shown anyway
    return cell.code + shown


def text_of(chapter: Chapter, language: str) -> str:
    """Return the notebook as the text of a file."""
    return json.dumps(notebook(chapter, language), ensure_ascii=False, indent=1) + "\n"


def main(folder: Path) -> None:
    """Write all notebooks into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for chapter in chapters():
        for language in LANGUAGES:
            path = folder / f"{chapter.name}{language}.ipynb"
            path.write_text(text_of(chapter, language), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
