"""Files and frames of pairs of texts, and what is said of those that cannot be read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from longshort.config.parallel import ParallelData
from longshort.data.parallel import Pairs, pairs_of
from longshort.data.parallel_source import like, read_more_pairs, read_pairs, read_parallel_splits
from longshort.errors import DataError

Write = Callable[[str, str | bytes], Path]
DE, EN = ["Ein Hund.", "Zwei Männer, groß", "Guten Tag"], ["A dog.", "Two men, tall", "Hello"]


def read(data: object, *, with_targets: bool = True, **settings: Any) -> Pairs:
    return read_pairs(data, ParallelData.model_validate(settings), with_targets=with_targets)


def rows(mark: str, *heading: str, form: str = "{}") -> str:
    lines = [mark.join(map(form.format, pair)) for pair in zip(DE, EN, strict=True)]
    return "\n".join([*heading, *lines]) + "\n"


def is_read(found: Pairs) -> bool:
    return (found.sources, found.targets) == (DE, EN)


# Two files of lines


def two(write: Write, sources: list[str], targets: list[str], end: str = "\n") -> tuple[Path, Path]:
    return (write("t.de", end.join(sources) + end), write("t.en", end.join(targets) + end))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_two_files_of_lines(write: Write, end: str) -> None:
    one, other = two(write, DE, EN, end)
    found = read(one, target_path=str(other))
    assert is_read(found) and found.places == ["line 1", "line 2", "line 3"]
    assert (found.path, found.target_path) == (str(one), str(other))


def test_two_files_in_python(write: Write) -> None:
    assert is_read(read(two(write, DE, EN)))


def test_packed_files_of_different_encodings(write: Write) -> None:
    one = write("t.de.gz", gzip.compress("\n".join(DE).encode("utf-16")))
    found = read((one, write("t.en", "\n".join(EN))))
    assert is_read(found) and found.findings[0].message.startswith("read as utf-16")


def test_unequal_files_are_refused(write: Write) -> None:
    with pytest.raises(DataError, match=r"t\.de: has 3 lines, and .*t\.en has 2; line n of one"):
        read(two(write, DE, EN[:2]))


def test_empty_lines_at_the_end_of_one_file_do_not_count(write: Write) -> None:
    assert is_read(read(two(write, DE, [*EN, "", " "])))


def test_empty_lines_keep_the_others_beside_each_other(write: Write) -> None:
    found = read(two(write, ["a", "", "c"], ["x", "y", "z"]))
    assert found.sources == ["a", "", "c"] and found.incomplete == [1]


def test_separators_of_unicode_end_no_line(write: Write) -> None:
    found = read(two(write, ["a\u2028b", "c\x0cd"], ["x", "y"]))
    assert found.sources == ["a\u2028b", "c\x0cd"]


def test_lines_without_targets_are_refused(write: Write) -> None:
    with pytest.raises(DataError, match=r"no targets; name the file .*--target-file"):
        read(write("t.de", "\n".join(DE)))


def test_a_missing_file_is_named(write: Write) -> None:
    with pytest.raises(DataError, match=r"t\.en: no such file"):
        read(write("t.de", "a"), target_path=str(write("t.de", "a").with_name("t.en")))


# Lines with a tab


@pytest.mark.parametrize("name", ["t.tsv", "t.tab", "t.txt", "t"])
def test_lines_with_a_tab(write: Write, name: str) -> None:
    assert is_read(read(write(name, rows("\t"))))


def test_packed_lines_with_a_tab(write: Write) -> None:
    assert is_read(read(write("t.tsv.gz", gzip.compress(rows("\t").encode()))))


@pytest.mark.parametrize("names", ["source\ttarget", "src\ttgt", "de\ten", "Source\tTranslation"])
def test_a_first_line_of_usual_names_is_a_heading(write: Write, names: str) -> None:
    found = read(write("t.tsv", rows("\t", names)))
    assert is_read(found) and found.read_as["header"] is True and found.places[0] == "line 2"


def test_a_first_line_of_words_is_a_pair(write: Write) -> None:
    found = read(write("t.tsv", "Hund\tdog\nTag\tday\n"))
    assert found.sources == ["Hund", "Tag"] and found.read_as["header"] is False


@pytest.mark.parametrize("names", ["en\tde", "target\tsource"])
def test_columns_can_be_turned_round(write: Write, names: str) -> None:
    first, second = names.split("\t")
    found = read(write("t.tsv", rows("\t", names)), source=second, target=first)
    assert (found.sources, found.targets) == (EN, DE)


def test_columns_without_names_can_be_turned_round(write: Write) -> None:
    found = read(write("t.tsv", rows("\t")), source="column_2")
    assert (found.sources, found.targets) == (EN, DE)


def test_further_cells_are_named_and_not_read(write: Write) -> None:
    found = read(write("t.tsv", "Hund\tdog\tby me\nTag\tday\tby you\n"))
    assert found.targets == ["dog", "day"]
    assert "not read: 'column_3'" in found.findings[0].message


def test_columns_that_are_named_are_not_told(write: Write) -> None:
    found = read(write("t.tsv", rows("\t", "de\ten")), source="de", target="en")
    assert found.findings == ()


def test_quotes_of_sentences_stay(write: Write) -> None:
    found = read(write("t.tsv", 'Ja\t"Yes!"\n"Da" oder "dort"\tthere\n"Los\tgo\n'))
    assert found.sources == ["Ja", '"Da" oder "dort"', '"Los']
    assert found.targets == ['"Yes!"', "there", "go"]


@pytest.mark.parametrize("text", ['Ja\t"""Yes"", he said"\n', '"Ja"\t"""Yes"", he said"\n'])
def test_quotes_of_programs_go(write: Write, text: str) -> None:
    found = read(write("t.tsv", text))
    assert (found.sources, found.targets) == (["Ja"], ['"Yes", he said'])


def test_a_line_with_too_few_cells_is_refused(write: Write) -> None:
    message = r"t\.tsv: line 3: 2 cells with a tab between them are expected, got 1: 'Tag'"
    with pytest.raises(DataError, match=message):
        read(write("t.tsv", "Hund\tdog\n\nTag\n"))


def test_a_table_of_blank_lines_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="holds no line"):
        read(write("t.tsv", "\n \n"))


def test_blank_lines_inside_are_skipped_and_named(write: Write) -> None:
    found = read(write("t.tsv", "Hund\tdog\n\nTag\tday\n\n"), source="column_1", target="column_2")
    assert found.places == ["line 1", "line 3"] and found.findings[0].where == ("line 2",)


# Tables


def test_csv(write: Write) -> None:
    assert is_read(read(write("t.csv", rows(",", "source,target", form='"{}"'))))


@pytest.mark.parametrize("names", ["de;en", "src;tgt", "what is asked;reply", "question;answer"])
def test_csv_with_semicolons(write: Write, names: str) -> None:
    assert is_read(read(write("t.csv", rows(";", names))))


def test_csv_without_names(write: Write) -> None:
    found = read(write("t.csv", rows(";")))
    assert is_read(found) and found.read_as["header"] is False


def test_packed_csv_in_a_legacy_encoding(write: Write) -> None:
    content = gzip.compress(rows(";", "de;en").encode("cp1252"))
    found = read(write("t.csv.gz", content), encoding="cp1252")
    assert is_read(found) and found.places[0] == "line 2"


def objects(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_json_lines(write: Write) -> None:
    records = [{"id": i, "de": d, "en": e} for i, (d, e) in enumerate(zip(DE, EN, strict=True))]
    assert is_read(read(write("t.jsonl", objects(*records))))


def test_json_lines_with_both_texts_in_an_object(write: Write) -> None:
    pairs = zip(DE, EN, strict=True)
    records = [{"id": i, "translation": {"de": d, "en": e}} for i, (d, e) in enumerate(pairs)]
    assert is_read(read(write("t.jsonl", objects(*records))))


def test_json_lines_with_several_targets(write: Write) -> None:
    records = [{"text": "a", "summary": ["x", "y"]}, {"text": "b", "summary": []}]
    found = read(write("t.jsonl", objects(*records)))
    assert found.references == [("x", "y"), ("",)]


def test_packed_json_lines(write: Write) -> None:
    content = objects({"source": "a", "target": "x"})
    assert read(write("t.json.gz", gzip.compress(content.encode()))).targets == ["x"]


@pytest.mark.parametrize("name", ["t.parquet", "t.dat"])
def test_parquet(tmp_path: Path, name: str) -> None:
    pl.DataFrame({"n": [1, 2, 3], "de": DE, "en": EN}).write_parquet(tmp_path / name)
    assert is_read(read(tmp_path / name))


@pytest.mark.parametrize("kind", [pl.DataFrame, pd.DataFrame])
def test_frames(kind: Any) -> None:
    found = read(kind({"source": DE, "target": EN}))
    assert is_read(found) and found.name == "frame" and found.path is None


def test_missing_cells_are_empty_texts() -> None:
    frame = pl.DataFrame({"source": ["a", None], "target": [None, "x"]})
    assert read(frame).sources == ["a", ""] and read(frame).incomplete == [0, 1]


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        (["a", "b", "c"], {}, r"which column is the source\? Name it with --source; .* 'a', 'b'"),
        (["source", "b", "c"], {}, r"which column is the target\? Name it with --target"),
        (["de", "en"], {"source": "dee"}, r"has no column 'dee'; did you mean 'de'\?"),
        (["de", "en"], {"source": "de", "target": "de"}, "cannot be source and target at once"),
        (["n", "m"], {"source": "number"}, "column 'number' holds Int64; texts are expected"),
        (["n", "m"], {"source": "lists"}, r"column 'lists' holds List\(String\); texts are"),
        (["n", "m"], {"target": "number"}, "holds Int64; texts, or lists of texts, are expected"),
    ],
)
def test_unsure_columns_are_asked(
    columns: list[str], settings: dict[str, str], message: str
) -> None:
    texts = pl.DataFrame({name: ["x", "y"] for name in columns})
    extra = {"number": [1, 2], "lists": [["x"], ["y"]]} if columns[0] == "n" else {}
    with pytest.raises(DataError, match=message):
        read(texts.with_columns(pl.Series(name, each) for name, each in extra.items()), **settings)


def test_lists_are_no_sources() -> None:
    with pytest.raises(DataError, match=r"column 'source' holds List\(String\); texts are exp"):
        read(pl.DataFrame({"source": [["a"]], "target": ["x"]}))


def test_a_table_without_texts_is_refused() -> None:
    with pytest.raises(DataError, match=r"has no column of texts; there are 'n' \(Int64\)"):
        read(pl.DataFrame({"n": [1]}))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (["a", "b"], r"sources alone are given; give a tuple \(sources, targets\)"),
        (5, r"a path, a frame, or \(sources, targets\) is expected, got int"),
    ],
)
def test_other_data_are_refused(data: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(data)


def test_lists_and_pairs_are_taken_as_they_are() -> None:
    pairs = pairs_of(DE, EN)
    assert is_read(read((DE, EN))) and read(pairs) is pairs


# Splits


def splits(train: object, config: ParallelData, **others: object) -> dict[str, Pairs]:
    return read_parallel_splits({"train": train, **others}, config)


def test_files_for_each_split(write: Write) -> None:
    paths = {}
    for split in ("train", "val", "test"):
        paths[split] = write(f"{split}.de", f"{split} de\n")
        paths[f"{split}_target"] = write(f"{split}.en", f"{split} en\n")
    config = ParallelData(
        path=str(paths["train"]),
        target_path=str(paths["train_target"]),
        val_target_path=str(paths["val_target"]),
        test_target_path=str(paths["test_target"]),
    )
    found = splits(paths["train"], config, val=paths["val"], test=paths["test"])
    assert {name: each.targets for name, each in found.items()} == {
        "train": ["train en"], "val": ["val en"], "test": ["test en"]}  # fmt: skip


def test_a_split_without_its_targets_is_refused(write: Write) -> None:
    one, other = two(write, DE, EN)
    config = ParallelData(path=str(one), target_path=str(other))
    with pytest.raises(DataError, match=r"--val-target-file"):
        splits(one, config, val=write("v.de", "a\n"))


def test_other_files_are_read_like_the_training_file(write: Write) -> None:
    path = write("t.tsv", rows("\t"))
    config = ParallelData(path=str(path), source="column_2")
    found = splits(path, config, val=write("v.tsv", "source\ttarget\n"))
    assert found["val"].sources == ["target"]


TORN = "a\tx\n\ty\nc\tz\n"


@pytest.mark.parametrize(("drop", "counts"), [(None, (2, 3)), (True, (2, 2)), (False, (3, 3))])
def test_incomplete_pairs(write: Write, drop: bool | None, counts: tuple[int, int]) -> None:
    path = write("t.tsv", TORN)
    found = splits(path, ParallelData(path=str(path), drop_incomplete=drop), val=path)
    assert (len(found["train"]), len(found["val"])) == counts
    assert [each.findings[-1].where for each in found.values()] == [("line 2",)] * 2


def test_paths_of_targets_become_absolute(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = two(write, DE, EN)
    monkeypatch.chdir(one.parent)
    config = ParallelData(path="t.de", target_path="t.en")
    found = like(read_pairs("t.de", config), config)
    assert found.target_path == str(one.with_name("t.en")) and found.format == "lines"


# New data


def test_sources_of_a_run_of_two_files(write: Write) -> None:
    config = ParallelData(path="t.de", target_path="t.en", format="lines")
    found = read_more_pairs(write("new.de", "a\n\nb\n"), config, with_targets=False)
    assert found.sources == ["a", "", "b"] and found.references is None


def test_pairs_for_a_run_of_two_files(write: Write) -> None:
    one, other = two(write, DE, EN)
    config = ParallelData(path="old.de", target_path="old.en", format="lines")
    assert is_read(read_more_pairs(one, config, str(other)))


def test_two_files_for_a_run_of_lines_with_a_tab(write: Write) -> None:
    one, other = write("new.txt", "\n".join(DE)), write("new_en.txt", "\n".join(EN))
    config = ParallelData(path="t.txt", format="tsv", header=False, source="column_1")
    assert is_read(read_more_pairs(one, config, str(other)))


@pytest.mark.parametrize("name", ["new.txt", "new"])
def test_lines_for_a_run_of_a_table(write: Write, name: str) -> None:
    config = ParallelData(path="t.tsv", format="tsv", header=False, source="column_1")
    found = read_more_pairs(write(name, "a\nb\n"), config, with_targets=False)
    assert found.sources == ["a", "b"]


def test_a_table_of_sources_alone(write: Write) -> None:
    config = ParallelData(path="t.csv", format="csv", header=True, source="de", target="en")
    found = read_more_pairs(write("new.csv", "de\na\nb\n"), config, with_targets=False)
    assert found.sources == ["a", "b"]


def test_a_list_of_sources() -> None:
    assert read(["a", "b"], with_targets=False).sources == ["a", "b"]


# Real data


def test_captions(real_data: Path) -> None:
    folder = real_data / "multi30k"
    found = read(folder / "train.de.gz", target_path=str(folder / "train.en.gz"))
    assert len(found) == 29000 and found.findings == () and found.incomplete == []
    assert found.targets is not None and found.targets[0].startswith("Two young, White males")


def test_sentences_with_attribution(real_data: Path) -> None:
    found = read(real_data / "cmn_en" / "cmn.tsv.gz")
    assert len(found) == 29155 and found.sources[0] == "Hi." and found.targets is not None
    assert '"我也要牛肉。"' in found.targets
