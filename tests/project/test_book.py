"""The book says what its code computes, in both languages."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from tests.paths import ROOT

LEARN = ROOT / "docs" / "learn"
SLOW = ("08", "10")
"""How chapters begin that take many seconds: comparisons, and whole runs of applications."""


def script(name: str) -> ModuleType:
    path = ROOT / "docs" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


book = script("write_book")
CHAPTERS = book.chapters()
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda each: each.name)
each_language = pytest.mark.parametrize("language", book.LANGUAGES)


# Keras' variables on torch do not take numpy 2's copy argument.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(
    "chapter",
    [
        pytest.param(each, id=each.name, marks=[pytest.mark.slow] * each.name.startswith(SLOW))
        for each in CHAPTERS
    ],
)
def test_the_code_gives_what_the_book_shows(chapter: book.Chapter) -> None:
    if "import keras" in chapter.source.read_text() and not importlib.util.find_spec("keras"):
        pytest.skip("keras is not installed; it is in the extra 'test'")
    kept, found = chapter.kept(), book.run(chapter)
    for cell in chapter.cells():
        told = book.differences(kept[cell.name], found[cell.name], cell)
        assert not told, f"{cell.name}: {told}"


@each_language
@each_chapter
def test_pages_have_the_present_code_and_output(chapter: book.Chapter, language: str) -> None:
    wanted = "out of date; run python docs/write_book.py"
    assert chapter.page(language).read_text() == book.filled(chapter, chapter.kept(), language), (
        wanted
    )


@each_chapter
def test_both_languages_show_the_same(chapter: book.Chapter) -> None:
    english, chinese = (chapter.page(language).read_text() for language in book.LANGUAGES)
    marks = [found[1] for found in book.MARK.finditer(english)]
    assert [found[1] for found in book.MARK.finditer(chinese)] == marks
    assert set(marks) == {cell.name for cell in chapter.cells()}
    for shape in (r"^#+ ", r"^\d+\. ", r"^- \*\*", r"^\|", r"^```\w*$"):
        count = [len(re.findall(shape, text, re.MULTILINE)) for text in (english, chinese)]
        assert count[0] == count[1], shape


def prose(text: str) -> str:
    return book.QUESTIONS.sub("", book.MARK.sub("", text))


@each_language
@each_chapter
def test_numbers_in_the_text_are_computed(chapter: book.Chapter, language: str) -> None:
    shown = chapter.source.read_text() + "".join(each.printed for each in chapter.kept().values())
    _, _, text = chapter.page(language).read_text().partition("\n")  # without the title
    for number in re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", prose(text)):
        assert number in shown, number


@each_chapter
def test_cells_are_short(chapter: book.Chapter) -> None:
    for cell in chapter.cells():
        assert len([line for line in cell.code.splitlines() if line]) <= 25, cell.name


def test_pictures_have_chinese_labels() -> None:
    known = book.translations()
    for path in sorted((LEARN / "out").rglob("*.svg")):
        if ".zh." not in path.name:
            for _, text, _ in book.TEXT.findall(path.read_text()):
                is_word = re.search(r"[a-z]{3,}", text) and not book.is_quoted(text)
                told = f"{path.name}: {text}: add it to docs/learn/labels.toml"
                assert not is_word or book.NUMBER.sub("#", text) in known, told


def test_every_chapter_is_in_the_contents_of_both_languages() -> None:
    for language in book.LANGUAGES:
        contents = (LEARN / f"index{language}.md").read_text()
        for chapter in CHAPTERS:
            assert f"]({chapter.page(language).name})" in contents


def test_a_changed_result_is_noticed() -> None:
    cell, kept = book.Cell("any", "code"), book.Result("loss 0.50 after 3 steps")
    assert not book.differences(kept, book.Result("loss 0.51 after 3 steps"), cell)
    assert book.differences(kept, book.Result("loss 0.55 after 3 steps"), cell)
    assert book.differences(kept, book.Result("loss 0.50 after 3 epochs"), cell)
    assert book.differences(kept, book.Result("loss 0.50 after 3 steps", "<text>now</text>"), cell)


def test_a_training_may_end_otherwise_elsewhere_but_not_far() -> None:
    cell = book.Cell("any", "code", is_training=True)
    kept = book.Result("model 0.50\nmean 0.70\nnote: 3 networks\n\nIt earned its place.")
    assert not book.differences(kept, book.Result("mean 0.70\nmodel 0.60\n\nIt did not."), cell)
    assert book.differences(kept, book.Result("mean 0.70\nmodel 0.20\n\nIt did not."), cell)
    assert book.differences(kept, book.Result("mean 0.70\n\nIt did not."), cell)


def test_a_few_errors_of_a_training_are_luck() -> None:
    cell = book.Cell("any", "code", is_training=True)
    kept = book.Result("model 0.5 3\nmean 100 9")
    assert not book.differences(kept, book.Result("model 1.6 3\nmean 100 9"), cell)
    assert book.differences(kept, book.Result("model 2.9 3\nmean 100 9"), cell)
    assert book.differences(kept, book.Result("model 0.5 6\nmean 100 9"), cell)


def test_what_a_training_read_may_differ_in_a_picture() -> None:
    kept = book.Result("", "<text>“one”</text><text>said</text>")
    read = book.Result("", "<text>“ore”</text><text>said</text>")
    told = book.Result("", "<text>“one”</text><text>heard</text>")
    training, other = (book.Cell("any", "code", is_training=each) for each in (True, False))
    assert not book.differences(kept, read, training)
    assert book.differences(kept, read, other)
    assert book.differences(kept, told, training)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_interactive_cell_computes_the_equations_of_the_layer() -> None:
    import torch

    import longshort as ls

    layer = ls.nn.LSTM(1, 1, dtype=torch.float64)
    gates = {"i": 0.4, "f": -0.3, "g": 0.7, "o": 1.2}  # preactivations, as biases
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.bias_ih_l0[:] = torch.tensor(list(gates.values()))
    _, (h, c) = layer(torch.zeros(3, 1, 1, dtype=torch.float64))
    code = (
        f"const {{ lstmStep }} = require({json.dumps(str(ROOT / 'docs/site/cell.js'))});"
        "const s = (z) => 1 / (1 + Math.exp(-z)); let c = 0, h = 0;"
        "const gates = { i: s(0.4), f: s(-0.3), g: Math.tanh(0.7), o: s(1.2) };"
        "for (let t = 0; t < 3; t++) ({ c, h } = lstmStep(gates, c));"
        "console.log(JSON.stringify([c, h]));"
    )
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == pytest.approx([c.item(), h.item()], abs=1e-7)


notebooks = script("write_notebooks")


@each_language
@each_chapter
def test_notebooks_have_text_code_and_output(chapter: book.Chapter, language: str) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is in the extra 'test'")
    made = nbformat.reads(notebooks.text_of(chapter, language), as_version=4)
    nbformat.validate(made)
    code = [each for each in made.cells if each.cell_type == "code"]
    assert [each.source for each in code] == [notebooks.source(each) for each in chapter.cells()]
    assert any(each.outputs for each in code)
    assert made.cells[0].source.startswith("# ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["02_cell", "03_by_hand", "04_bptt", "13_beyond"])
def test_notebooks_run(name: str) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is in the extra 'test'")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is in the extra 'test'")
    (chapter,) = (each for each in CHAPTERS if each.name == name)
    made = nbformat.reads(notebooks.text_of(chapter, ""), as_version=4)
    nbclient.NotebookClient(made, timeout=300, kernel_name="python3").execute()
    found = [printed(each) for each in made.cells if each.cell_type == "code"]
    for cell, now in zip(chapter.cells(), found, strict=True):
        kept = book.Result(chapter.kept()[cell.name].printed)
        assert not (told := book.differences(kept, book.Result(now), cell)), f"{cell.name}: {told}"


def printed(cell: Any) -> str:
    streams = (each["text"] for each in cell.outputs if each["output_type"] == "stream")
    return "".join(streams).strip("\n")


def test_the_chinese_readme_has_the_blocks_of_the_english_one() -> None:
    chinese = (ROOT / "README.zh.md").read_text()
    assert chinese == book.chinese_readme(), "out of date; run python docs/write_book.py --kept"
    for target in re.findall(r"\]\((?!http)([^)#]+)", chinese):
        assert (ROOT / target).exists(), target


@each_language
def test_the_first_page_has_the_measured_time(language: str) -> None:
    page = (ROOT / "docs" / f"index{language}.md").read_text()
    assert page == book.first_page(language), "out of date; run python docs/write_book.py --kept"
    assert "MB" in page
