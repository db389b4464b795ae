"""Reading labelled sequences from any source; the format is detected by name and content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from longshort.config.sequences import Format, SequenceData
from longshort.data.findings import Finding
from longshort.data.formats import arrays, idx, lines, long, rows, strokes, table, ts
from longshort.data.labelled import Examples, Item, checked, examples_of
from longshort.data.sources import is_frame
from longshort.data.strokes.ink import Inks
from longshort.data.strokes.reading import is_strokes
from longshort.data.textfiles import read_head
from longshort.errors import DataError

_BY_NAME: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".npy": "arrays",
    ".npz": "arrays",
    ".ts": "ts",
    ".inkml": "strokes",
    ".txt": "lines",
}
_TABLES = ("csv", "jsonl", "parquet")
_HEAD = 64


def read_examples(data: object, config: SequenceData, *, with_labels: bool = True) -> Examples:
    """Read a file or frame, or return samples as they are.

    Without `with_labels` labels may be absent, and are not looked for where that is ambiguous.
    Raises `DataError` with place and remedy.
    """
    found = checked(_read(data, config, with_labels))
    if not len(found):
        raise DataError(f"{found.name}: holds no example")
    return found


def _read(data: object, config: SequenceData, with_labels: bool) -> Examples:
    if isinstance(data, Examples):
        return data
    if isinstance(data, Inks):
        return strokes.examples(data, config, with_labels=with_labels)
    if not isinstance(data, (str, Path)):
        return _read_table(data, config, with_labels)
    path = Path(data)
    if config.format == "audio":
        raise DataError(f"{path}: recordings are classified (--task classify), or transcribed")
    kind = config.format or format_of(path, names_columns=config.names_columns())
    if kind == "lines":
        return lines.read(path, config) if with_labels else lines.read_texts(path, config)
    if kind == "rows":
        return rows.read(path, config, with_labels=with_labels)
    if kind == "strokes":
        return strokes.read(path, config, with_labels=with_labels)
    if kind == "ts":
        return ts.read(path, config.encoding, with_labels=with_labels)
    if kind == "idx":
        return idx.read(path, config.pixels, with_labels=with_labels)
    if kind == "arrays":
        return arrays.read(path, config.axes, with_labels=with_labels, group=config.group)
    return _read_table(path, config.model_copy(update={"format": kind}), with_labels)


def _read_table(data: object, config: SequenceData, with_labels: bool) -> Examples:
    """Read a table with a row for each text, or a row for each step of a sequence."""
    is_long = config.format == "long" or bool(config.id or config.features)
    if not is_long and config.text is None:
        is_long = long.is_long(table.opened(data, config), config)
    read = long.read if is_long else table.read
    return read(data, config, with_labels=with_labels)


def like(first: Examples, config: SequenceData) -> SequenceData:
    """Return the settings completed by what was detected when these samples were read."""
    is_named = first.features and first.read_as.get("format") != "strokes"
    names = {"features": first.features} if is_named else {}
    return config.model_copy(update={**first.read_as, **names})


def of_another(path: Path, config: SequenceData) -> SequenceData:
    """Return the settings of a run for another file: of the run's format, unless the file differs.

    The file differs if it has another suffix than the run's file, or the first bytes of another
    format.
    """
    if config.path is not None and _ending(Path(config.path)) == _ending(path):
        return config
    if _by_name(path) is None and _by_content(path) is None:
        return config
    kind = format_of(path, names_columns=config.names_columns())
    if kind == config.format or (config.format == "long" and kind in _TABLES):
        return config
    return config.model_copy(update={"format": kind, "delimiter": None, "label_side": None})


def format_of(path: Path, *, names_columns: bool = False) -> Format:
    """Detect a file's format by its suffix, otherwise by its first bytes.

    A text file whose first line has only numbers has the format "rows", unless columns are named.
    """
    if is_strokes(path):
        return "strokes"
    kind = _by_name(path) or _by_content(path) or "lines"
    if kind == "lines" and lines.names_columns(path):
        return "csv"
    is_text = kind in ("csv", "lines") and not names_columns
    return "rows" if is_text and rows.begins_so(path) else kind


def _by_name(path: Path) -> Format | None:
    return _BY_NAME.get(_ending(path))


def _ending(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return suffixes[-1] if suffixes else ""


def _by_content(path: Path) -> Format | None:
    head = read_head(path, _HEAD)
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:6] == b"\x93NUMPY":
        return "arrays"
    if head.lstrip()[:1] == b"{":
        return "jsonl"
    return "idx" if idx.is_idx(head) else None


def read_labelled_splits(given: Mapping[str, object], config: SequenceData) -> dict[str, Examples]:
    """Read the samples of each source, "train" first; the others are read in the same way.

    Raises `DataError` if texts and numbers are mixed, or the numbers of channels differ.
    """
    train = read_examples(given["train"], config)
    found, settings = {"train": train}, like(train, config)
    for name, source in given.items():
        if name == "train":
            continue
        is_file = isinstance(source, (str, Path))
        own = of_another(Path(str(source)), settings) if is_file else settings
        found[name] = read_examples(source, own)
        _refuse_other_items(train, found[name])
    return found


def _refuse_other_items(train: Examples, other: Examples) -> None:
    if other.is_text != train.is_text:
        raise DataError(f"{other.name}: texts and numbers are mixed between the files")
    if not train.is_text and other.width != train.width:
        raise DataError(
            f"{other.name}: has {other.width} values a step, and {train.name} has {train.width}"
        )


def read_unlabelled(
    data: Any, config: SequenceData, labels: Sequence[str], *, with_labels: bool
) -> Examples:
    """Read samples of another source in the way of a run's own data; `config` is the run's.

    Without `with_labels` a file of lines may begin with labels or not: they are taken for labels if
    every line begins with one of `labels`.
    """
    if isinstance(data, (str, Path)):
        config = of_another(Path(data), config)
    elif isinstance(data, (list, tuple)) or (hasattr(data, "__array__") and not is_frame(data)):
        return examples_of(data, axes=config.axes)
    found = read_examples(data, config, with_labels=with_labels)
    format = found.read_as.get("format")
    if format == "rows" and not with_labels:
        rows.refuse_other_labels(found, labels)
    is_lines = format == "lines" and not with_labels
    return _without_labels(found, config, labels) if is_lines else found


def _without_labels(texts: Examples, config: SequenceData, labels: Sequence[str]) -> Examples:
    found = lines.known_labels(map(str, texts.items), labels, config)
    labelled = [each for each in found if each]
    where = "begins" if config.label_side != "last" else "ends"
    if len(labelled) == len(found):
        note = f"{texts.name}: every line {where} with a label of the run; it is not taken for text"
        if config.multi_label:
            where = where.removesuffix("s")
            note = f"{texts.name}: labels that lines {where} with are not taken for text"
        items: list[Item] = [text for _, text in labelled]
        return replace(
            texts, items=items, findings=(*texts.findings, Finding("labels", "note", note))
        )
    if 2 * len(labelled) > len(found):
        warning = (
            f"{texts.name}: {len(labelled):,} of {len(found):,} lines {where.removesuffix('s')} "
            f"with a label of the run, {texts.places[found.index(None)]} does not; all of every "
            "line is taken for text"
        )
        return replace(texts, findings=(*texts.findings, Finding("labels", "warning", warning)))
    return texts
