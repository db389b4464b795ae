"""Labels and texts, or values, on lines: which is which is found out and said, or asked."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longshort as ls
from longshort.config.sequences import SequenceData
from longshort.data.labelled import Examples
from longshort.data.labelled_source import read_examples
from longshort.runs import story
from longshort.runs.story import prepare
from longshort.runs.trained import load

Write = Callable[[str, str | bytes], Path]
TEXTS = [f"Room{n}{', and bath' * (n % 3)} was {('fine', 'awful')[n % 2]}, {n}!" for n in range(40)]
LABELS = ["1", "0"] * 20
QUICK: dict[str, Any] = {
    "task": "classify",
    "model": {"hidden": 4, "members": 1},
    "train": {"max_epochs": 1, "threads": 1},
}


def read(path: Path, *, with_labels: bool = True, **settings: Any) -> Examples:
    return read_examples(path, SequenceData.model_validate(settings), with_labels=with_labels)


# Labels and texts


@pytest.mark.parametrize(
    "line",
    [
        "{text}\t{label}",
        "{label}\t{text}",
        "{text};{label}",
        "{label}|{text}",
        "{label},{text}",
        '"{text}",{label}',
        "{text} {label}",
        "{label} {text}",
        "{label}  {text}",
    ],
)
def test_the_side_of_the_label_is_found(write: Write, line: str) -> None:
    rows = [line.format(text=t, label=label) for t, label in zip(TEXTS, LABELS, strict=True)]
    found = read(write("t.txt", "\n".join(rows) + "\n\n"))
    assert (found.items, found.labels) == (TEXTS, LABELS)
    (told,) = found.findings
    assert told.code == "lines" and "2 labels in 40 lines" in told.message


@pytest.mark.parametrize("line", ["__label__{label} {text}", "{text} __label__{label}"])
def test_labels_of_fasttext_are_seen_by_their_mark(write: Write, line: str) -> None:
    rows = [line.format(text=t, label=i % 20) for i, t in enumerate(TEXTS)]
    found = read(write("t.txt", "\n".join(rows)))
    assert found.items == TEXTS and found.labels == [f"__label__{i % 20}" for i in range(40)]


def test_labels_of_a_text_with_words_between_them_are_refused(write: Write) -> None:
    path = write("t.txt", "__label__a fine\n__label__a so __label__b so\n")
    with pytest.raises(ls.DataError, match=r"line 2: has 2 labels, .*put all labels in front of"):
        read(path)


def test_reviews_with_their_label_at_the_end(real_data: Path) -> None:
    found = read(real_data / "amazon_reviews" / "amazon_cells_labelled.txt.gz")
    assert len(found) == 1008 and found.labels is not None
    assert found.labels[:3] == ["0", "1", "1"] and found.labels.count("1") == 500
    assert found.items[1] == "Good case, Excellent value."


def test_questions_that_end_alike_begin_with_their_label(write: Write) -> None:
    rows = [f"{('HUM', 'LOC', 'NUM')[i % 3]}:x who did thing {i} ?" for i in range(60)]
    found = read(write("t.txt", "\n".join(rows)))
    assert found.labels is not None and set(found.labels) == {"HUM:x", "LOC:x", "NUM:x"}


@pytest.mark.parametrize("heading", ["words\tlabel", "Text\tanything"])
def test_a_line_of_names_is_no_example(write: Write, heading: str) -> None:
    rows = [f"{text}\t{label}" for text, label in zip(TEXTS, LABELS, strict=True)]
    found = read(write("t.txt", "\n".join([heading, *rows])))
    assert len(found) == 40 and found.places[0] == "line 2"
    assert "below a line of names" in found.findings[0].message


@pytest.mark.parametrize("mark", ["\t", ",", ";"])
def test_a_text_file_whose_first_line_names_its_columns_is_a_table(write: Write, mark: str) -> None:
    rows = [f'{i}{mark}"{text}"{mark}{i % 2}' for i, text in enumerate(TEXTS)]
    found = read(write("t.txt", "\n".join([f"id{mark}Text{mark}Label", *rows])))
    assert found.items == TEXTS and found.read_as["format"] == "csv"


def test_what_is_not_clear_is_asked(write: Write) -> None:
    rows = [f"{'ab'[i % 2]} word{i} {'xy'[i // 20]}" for i in range(40)]
    path = write("t.txt", "\n".join(rows))
    with pytest.raises(ls.DataError, match=r"which side .* 2 different words and end with 2; say"):
        read(path)
    assert read(path, label_side="first").items[0] == "word0 x"
    assert read(path, label_side="last").items[0] == "a word0"


def test_lines_of_all_different_words_are_refused(write: Write) -> None:
    path = write("t.txt", "\n".join(f"one{i} two{i} three{i}" for i in range(40)))
    with pytest.raises(ls.DataError, match="40 different words and end with 40; say --set"):
        read(path)


def test_columns_without_names_are_refused(write: Write) -> None:
    path = write("t.txt", "\n".join(f"{i}\t{t}\t{i % 2}" for i, t in enumerate(TEXTS)))
    with pytest.raises(ls.DataError, match="every line has 3 columns, and nothing says which"):
        read(path)


def test_a_line_without_its_label_is_named(write: Write) -> None:
    rows = [f"{text}\t{label}" for text, label in zip(TEXTS, LABELS, strict=True)]
    rows[29] = "no label"
    with pytest.raises(ls.DataError, match="line 30: a label and a text are expected"):
        read(write("t.txt", "\n".join(rows)))


def test_files_of_a_run_are_read_with_its_side(write: Write, tmp_path: Path) -> None:
    rows = [f"{text}\t{label}" for text, label in zip(TEXTS, LABELS, strict=True)]
    path = write("t.txt", "\n".join(rows))
    chosen = {**QUICK, "data": {"path": str(path)}}
    story.run(chosen, tmp_path / "run")
    trained, said = load(tmp_path / "run"), list[str]()
    new = write("new.txt", "a fine view\t1\nan awful view\t0\n")
    assert trained.read(str(new), said.append).items == ["a fine view", "an awful view"]
    assert "every line ends with a label of the run" in said[-1]
    labelled = trained.task.read_labelled(str(new), trained.model, prepare(chosen).splits)
    assert labelled.labels == ["1", "0"]
    plain = write("plain.txt", "a fine view\nan awful view\n")
    assert trained.read(str(plain)).items == ["a fine view", "an awful view"]


def test_a_legacy_encoding_is_read_and_said(write: Write) -> None:
    texts = [f"Das Frühstück war {w} und die Straße {i} auch schön" for i in range(30)
             for w in ("schön", "übel")]  # fmt: skip
    rows = [f"{text}\t{i % 2}" for i, text in enumerate(texts)]
    found = read(write("t.txt", "\n".join(rows).encode("cp1252")))
    assert found.items == texts and found.findings[0].code == "encoding"


# Labels and values


UCR = "1\t0.5\t0.25\t1.5\tNaN\n2\t3\tNaN\t2\t1\n1\tNaN\t3\t2\tNaN\n2\t5\t1\t2\t8\n"


@pytest.mark.parametrize("name", ["x_TRAIN.tsv", "x_TRAIN.txt", "x_TRAIN.csv", "x.tsv.gz", "x"])
def test_a_label_and_values_on_every_line(name: str, write: Write) -> None:
    content = UCR.replace("\t", "," if name.endswith("csv") else "\t").encode()
    found = read(write(name, gzip.compress(content) if name.endswith("gz") else content))
    assert found.labels == ["1", "2", "1", "2"] and found.places[1] == "line 2"
    values = [np.asarray(item)[:, 0].tolist() for item in found.items]
    assert values == [[0.5, 0.25, 1.5], [3, 3, 2, 1], [2.5, 3, 2], [5, 1, 2, 8]]
    assert {finding.code for finding in found.findings} == {"rows", "missing"}


def test_the_archive_s_first_form_has_white_space_and_fractions(write: Write) -> None:
    rows = [f"  {label:.7e}  {i:.7e}  2.5e-01 1e0" for i, label in enumerate([1, -1] * 3)]
    found = read(write("x_TRAIN", "\n".join(rows)))
    assert found.labels == ["1", "-1"] * 3
    assert np.asarray(found.items[2])[:, 0].tolist() == [2, 0.25, 1]


def test_a_label_behind_the_values_is_found(write: Write) -> None:
    rows = [f"{i / 7:.3f},{i / 3:.3f},{i / 9:.3f},{i % 2}" for i in range(1, 13)]
    found = read(write("x.csv", "\n".join(rows)))
    assert found.labels == ["1", "0"] * 6 and found.width == 1 and len(found.items[0]) == 3
    names = [f"{i / 7:.3f},{i / 3:.3f},{('up', 'down')[i % 2]}" for i in range(1, 13)]
    assert read(write("y.csv", "\n".join(names)), format="rows").labels == ["down", "up"] * 6


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,0.5,x,2\n2,1,2,3\n", "line 1: value 2 'x' is no number"),
        ("1,?,nan,\n2,1,2,3\n", "line 1: has no value"),
        ("0.5,1,2,0.3\n0.25,1,2,0.1\n", "neither the first nor the last cells .* are labels"),
        ("1\n2\n", "line 1: a label and values are expected"),
    ],
)
def test_rows_that_cannot_be_read(write: Write, content: str, message: str) -> None:
    with pytest.raises(ls.DataError, match=message):
        read(write("x.csv", content), format="rows")


def test_a_table_of_numbers_with_a_header_is_no_file_of_rows(write: Write) -> None:
    found = read(write("x.csv", "id,time,a,label\n1,1,3,0\n1,2,3,0\n2,1,3,1\n"))
    assert found.read_as["format"] == "long"


def test_a_file_of_the_archive_from_training_to_prediction(
    real_data: Path, write: Write, tmp_path: Path
) -> None:
    ucr = real_data / "ucr"
    data = {"path": str(ucr / "Chinatown_TRAIN.tsv.gz"),
            "test_path": str(ucr / "Chinatown_TEST.tsv.gz")}  # fmt: skip
    scores = story.run({**QUICK, "data": data}, tmp_path / "run")
    assert scores["examples"] == 345 and scores["labels"] == ["1", "2"]
    trained = load(tmp_path / "run")
    rows = gzip.decompress((ucr / "Chinatown_TEST.tsv.gz").read_bytes()).decode().splitlines()
    unknown = write("new.tsv", "\n".join("?\t" + row.split("\t", 1)[1] for row in rows[:5]))
    known = write("known.tsv", "\n".join(rows[:5]))
    found = [trained.predict(trained.read(str(path))).p for path in (unknown, known)]
    assert np.array_equal(*found) and len(found[0]) == 5
    with pytest.raises(ls.DataError, match="line 1: its first cell is '300', which is no label"):
        trained.read(str(write("odd.tsv", "300\t" + rows[0])))
