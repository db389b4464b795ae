"""Files of pen strokes: every format, and what is said of broken ones."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from longshort.data.strokes.ink import Ink, Inks, dots, ink_of_offsets, ink_of_strokes, mixed_scales
from longshort.data.strokes.inkml import read as read_inkml
from longshort.data.strokes.reading import is_strokes, read_inks, read_parts
from longshort.errors import DataError

STROKES = [[[0, 0], [10, 5], [20, 0]], [[5, 30], [5, 31]]]
TRACES = '<trace id="1">0 0, 10 5, 20 0</trace><trace id="2">5 30, 5 31</trace>'
UNIPEN = """.VERSION 1.0
.SEGMENT DIGIT 0-1 ? "7"
.PEN_DOWN
 0 0
 10 -5
 20 0
.PEN_UP
.DT 100
.PEN_DOWN
 5 -30
 5 -31
.PEN_UP
"""


def json_lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def as_json(folder: Path) -> Path:
    return json_lines(folder / "x.jsonl", {"strokes": STROKES, "label": 7})


def as_drawing(folder: Path) -> Path:
    turned = [[*map(list, zip(*stroke, strict=True))] for stroke in STROKES]
    return json_lines(folder / "x.ndjson", {"word": "7", "drawing": turned})


def as_one_object(folder: Path) -> Path:
    path = folder / "x.json"
    path.write_text(json.dumps([{"text": "7", "strokes": STROKES}], indent=1))
    return path


def as_offsets(folder: Path) -> Path:
    rows = [[0, 0, 0], [10, 5, 0], [10, -5, 1], [-15, 30, 0], [0, 1, 1]]
    return json_lines(folder / "x", {"label": "7", "offsets": rows})


def as_npz(folder: Path) -> Path:
    rows = ink_of_strokes(STROKES, "x").offsets()
    np.savez(folder / "x.npz", offsets=rows, lengths=[len(rows)], labels=["7"])
    return folder / "x.npz"


def as_inkml(folder: Path) -> Path:
    path = folder / "x.inkml"
    truth = '<annotation type="truth">7</annotation>'
    path.write_text(f'<ink xmlns="http://www.w3.org/2003/InkML">{truth}{TRACES}</ink>')
    return path


def as_folder(folder: Path) -> Path:
    as_inkml(folder)
    return folder


def as_unipen(folder: Path) -> Path:
    (folder / "x").write_text(UNIPEN)
    return folder / "x"


FORMATS = [as_json, as_drawing, as_one_object, as_offsets, as_npz, as_inkml, as_folder, as_unipen]


@pytest.mark.parametrize("written", FORMATS)
def test_every_format_has_the_same_strokes_and_label(
    written: Callable[[Path], Path], tmp_path: Path
) -> None:
    found = read_inks(written(tmp_path))
    assert found.labels == ["7"]
    strokes = found.items[0].strokes
    assert [stroke.tolist() for stroke in strokes] == STROKES


def test_a_file_is_known_for_strokes_by_its_content(tmp_path: Path) -> None:
    assert is_strokes(as_json(tmp_path)) and is_strokes(as_unipen(tmp_path))
    assert not is_strokes(json_lines(tmp_path / "y.jsonl", {"text": "strokes"}))


def archive_of_parts(path: Path) -> Path:
    rows = [np.array([[0, 0, 0], [3, 4, 1]], dtype=np.int16)]
    objects = np.empty(1, dtype=object)
    objects[:] = rows
    np.savez(path, train=objects, valid=objects, test=objects)
    return path


def test_parts_of_an_archive_are_kept_apart(tmp_path: Path) -> None:
    path = archive_of_parts(tmp_path / "x.npz")
    parts = read_parts(path)
    assert {name: len(inks) for name, inks in parts.items()} == {"train": 1, "val": 1, "test": 1}
    assert parts["val"].items[0].points.tolist() == [[0, 0], [3, 4]]
    assert len(read_inks(path)) == 3


class Harm:
    """What must not be unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("harm",)


def test_only_arrays_are_unpickled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        head = np.lib.format.magic(1, 0)
        told = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
        told = told.ljust(117) + b"\n"
        archive.writestr(
            "train.npy", head + len(told).to_bytes(2, "little") + told + pickle.dumps(Harm())
        )
    with pytest.raises(DataError, match=r"x\.npz: train: .*builtins\.print, and only arrays"):
        read_inks(tmp_path / "x.npz")
    assert "harm" not in capsys.readouterr().out


def test_groups_of_inkml_are_symbols(tmp_path: Path) -> None:
    path = tmp_path / "x.inkml"
    group = (
        '<traceGroup><annotation type="truth">all</annotation>'
        '<traceGroup><annotation type="truth">a</annotation><traceView traceDataRef="2"/>'
        '</traceGroup><traceGroup><annotation type="truth">b</annotation>'
        '<traceView traceDataRef="1"/></traceGroup></traceGroup>'
    )
    path.write_text(f"<ink>{TRACES}{group}</ink>")
    found = read_inkml(path, "symbols")
    assert found.labels == ["a", "b"]
    assert found.items[0].points.tolist() == STROKES[1]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"strokes": []}, r"line 2: has no stroke; leave it out"),
        ({"strokes": [[[1, 2]], []]}, r"line 2, stroke 1: has no point"),
        ({"strokes": [[[1, float("nan")]]]}, r"line 2, stroke 0, point 0: y is nan, which is not"),
        ({"strokes": [[[1, 2], [1e12, 2]]]}, r"point 1: x is 1e\+12, which is too large"),
        ({"strokes": [[1, 2]]}, r"stroke 0: points \(x, y\) are expected, got the shape 2"),
        ({"strokes": [[[1, 2], [3]]]}, r"stroke 0: numbers are expected, as many for each point"),
        ({"strokes": [[["a", "b"]]]}, r"stroke 0: numbers are expected"),
        ({"strokes": "a"}, r"line 2: 'strokes' is a str, and a list is expected"),
        ({"points": []}, r"line 2: one of the keys 'strokes', .* there are 'points'"),
        ({"offsets": [[0, 0, 2]]}, r"line 2, point 0: the pen is 2; 1 where a stroke ends"),
        ({"offsets": [[0, 0]]}, r"rows \(dx, dy, pen\) are expected, got the shape 1 x 2"),
        ({"offsets": []}, r"line 2: has no point"),
        ({"drawing": [[[1, 2], [1]]]}, r"stroke 0: as many numbers x as y"),
        ({"strokes": STROKES, "label": []}, r"line 2: 'label' is a list, and a text"),
        ({"strokes": STROKES}, r"line 2: has no label, and others have one"),
        ([1], r"line 2: an object with 'strokes' is expected, got a list"),
    ],
)
def test_broken_json_is_named_with_its_line(row: object, said: str, tmp_path: Path) -> None:
    path = json_lines(tmp_path / "x.jsonl", {"strokes": STROKES, "label": "a"}, row)
    with pytest.raises(DataError, match=rf"x\.jsonl: {said}" if said.startswith("line") else said):
        read_inks(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<ink><trace>1 2, x 3</trace></ink>", r"trace #0, point 1: numbers x and y .* got 'x 3'"),
        ("<ink><trace> </trace></ink>", r"trace #0: has no point"),
        ("<ink></ink>", r"has no stroke"),
        ("<ink><trace>1 2, '3 4</trace></ink>", r"has differences"),
        ("<svg/>", r"its first element is <svg>"),
        ("<ink>\n<trace>", r"line 2: not XML"),
        ("<!DOCTYPE x><ink/>", r"holds a document type"),
    ],
)
def test_broken_inkml_is_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.inkml"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"x\.inkml: .*{said}"):
        read_inks(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (" 10 -5", " 10", r"line 5: a point 'x y' is expected, got '10'"),
        (" 10 -5", " a b", r"line 5: a point 'x y' is expected"),
        (".VERSION 1.0", ".PEN_DOWN", r"line 1: a \.SEGMENT line is expected"),
        ('.SEGMENT DIGIT 0-1 ? "7"\n', "", r"is no file of pen strokes"),
        (" 5 -30\n 5 -31\n", "", r"line 2, stroke 1: has no point"),
    ],
)
def test_broken_unipen_is_named(old: str, new: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(UNIPEN.replace(old, new))
    with pytest.raises(DataError, match=said):
        read_inks(tmp_path / "x")


def test_lengths_must_fit_the_rows(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", offsets=np.zeros((3, 3)), lengths=[4])
    with pytest.raises(DataError, match="the lengths sum up to 4, and there are 3 rows"):
        read_inks(tmp_path / "x.npz")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("hello")
    with pytest.raises(DataError, match=r"x\.txt: is no file of pen strokes"):
        read_inks(tmp_path / "x.txt")
    (tmp_path / "y.npz").write_text("hello")
    with pytest.raises(DataError, match=r"y\.npz: not a readable \.npz"):
        read_inks(tmp_path / "y.npz")


def test_offsets_begin_at_the_first_point() -> None:
    rows = [[0, 0, 0], [1, 2, 1], [3, 3, 1]]
    assert ink_of_offsets(rows, "x").offsets().tolist() == rows


def test_unequal_sizes_and_dots_are_remarked() -> None:
    def line(length: float) -> Ink:
        return ink_of_strokes([[[0, 0], [length, 0]]], "x")

    items = [line(1.0) for _ in range(10)] + [line(500.0) for _ in range(10)] + [line(0.0)]
    inks = Inks("x", items, None, [f"line {i}" for i in range(21)])
    found = [*mixed_scales(inks), *dots(inks)]
    assert [each.code for each in found] == ["mixed-scales", "dots"]
    assert "from 1 to 500" in found[0].message and found[1].where == ("line 20",)
