"""Reading of pairs of texts from any source; the format is detected by name and content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from longshort.config.parallel import PairFormat, ParallelData
from longshort.data.formats.pair_lines import has_tabs, read_sources, read_tabs, read_two
from longshort.data.formats.pair_table import read_table
from longshort.data.parallel import Pairs, checked, complete, pairs_of, with_incomplete
from longshort.data.sources import is_frame
from longshort.data.textfiles import read_head
from longshort.errors import DataError

_BY_NAME: dict[str, PairFormat] = {
    ".tsv": "tsv",
    ".tab": "tsv",
    ".csv": "csv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_HEAD = 64


def read_pairs(data: object, config: ParallelData, *, with_targets: bool = True) -> Pairs:
    """Read pairs of texts from files, a frame, or lists.

    data: a path, a frame, pairs, which are returned as they are, or a tuple of two paths or of the
    lists of sources and targets. with_targets: if false, targets are neither needed nor returned,
    and a list of texts is one of sources. Raises `DataError` with place and remedy.
    """
    found = checked(_read(data, config, with_targets))
    return found if with_targets else found.without_targets()


def read_parallel_splits(given: Mapping[str, object], config: ParallelData) -> dict[str, Pairs]:
    """Read the pairs of each split, "train" first; the others are read in the same way.

    given: data by the name of the split, as for `read_pairs`. Pairs with an empty side are left out
    of "train" unless the settings say otherwise.
    """
    train = read_pairs(given["train"], config)
    keep = config.drop_incomplete is False
    found = {"train": with_incomplete(train) if keep else complete(train)}
    for name, source in given.items():
        if name != "train":
            path = getattr(config, f"{name}_target_path")
            other = read_more_pairs(source, like(train, config), path)
            found[name] = complete(other) if config.drop_incomplete else with_incomplete(other)
    return found


def read_more_pairs(
    data: object, config: ParallelData, target_path: str | None = None, *, with_targets: bool = True
) -> Pairs:
    """Read further data in the same way as the data of a run; `config` is the run's.

    target_path: file of the targets, if `data` is a file of sources alone.
    """
    update: dict[str, object] = {"target_path": target_path if with_targets else None}
    is_file = isinstance(data, (str, Path))
    if is_file and (target_path is not None or not _is_alike(Path(str(data)), config)):
        update |= {"format": None, "delimiter": None, "header": None, **_only_names(config)}
    return read_pairs(data, config.model_copy(update=update), with_targets=with_targets)


def like(first: Pairs, config: ParallelData) -> ParallelData:
    """Return the settings with those that were detected when these pairs were read.

    Paths of targets become absolute, like the paths of a run's other files.
    """
    names = ("target_path", "val_target_path", "test_target_path")
    paths = {name: getattr(config, name) for name in names}
    whole = {name: str(Path(path).absolute()) for name, path in paths.items() if path is not None}
    return config.model_copy(update={**first.read_as, **whole})


def _read(data: object, config: ParallelData, with_targets: bool) -> Pairs:
    if isinstance(data, Pairs):
        return data
    if isinstance(data, tuple) and len(data) == 2 and with_targets:
        one, other = data
        if isinstance(one, (str, Path)) and isinstance(other, (str, Path)):
            return read_two(Path(one), Path(other), config.encoding)
        return pairs_of(one, other)
    if isinstance(data, (list, tuple)):
        if with_targets:
            raise DataError("data: sources alone are given; give a tuple (sources, targets)")
        return pairs_of(data)
    if isinstance(data, (str, Path)):
        return _read_file(Path(data), config, with_targets)
    if not is_frame(data):
        got = type(data).__name__
        raise DataError(f"data: a path, a frame, or (sources, targets) is expected, got {got}")
    return read_table(data, config, with_targets=with_targets)


def _read_file(path: Path, config: ParallelData, with_targets: bool) -> Pairs:
    kind = config.format or _format_of(path, config)
    if kind == "tsv":
        return read_tabs(path, config, with_targets=with_targets)
    if kind != "lines":
        settings = config.model_copy(update={"format": kind})
        return read_table(path, settings, with_targets=with_targets)
    if not with_targets:
        return read_sources(path, config.encoding)
    if config.target_path is None:
        raise DataError(
            f"{path}: has a text on every line and no targets; name the file of the targets (with "
            "--target-file, that of a split with --val-target-file or --test-target-file), or "
            "give a table with both, such as lines with a tab between them"
        )
    return read_two(path, Path(config.target_path), config.encoding)


def _format_of(path: Path, config: ParallelData) -> PairFormat:
    """Detect a file's format; it is "lines" if there is a file of targets."""
    if config.target_path is not None:
        return "lines"
    named = _BY_NAME.get(_ending(path))
    if named is not None:
        return named
    head = read_head(path, _HEAD)
    if head[:4] == b"PAR1":
        return "parquet"
    if head.lstrip()[:1] == b"{":
        return "jsonl"
    return "tsv" if has_tabs(path, config.encoding) else "lines"


def _is_alike(path: Path, config: ParallelData) -> bool:
    """Return whether a file has the same ending as the run's own and is read in the same way."""
    return config.path is not None and _ending(Path(config.path)) == _ending(path)


def _only_names(config: ParallelData) -> dict[str, object]:
    """Return settings that clear the columns of a run whose table had no names; else none."""
    asked = {"source": config.source, "target": config.target}
    numbered = (name is not None and name.startswith("column_") for name in asked.values())
    return dict.fromkeys(asked) if any(numbered) else {}


def _ending(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return suffixes[-1] if suffixes else ""
