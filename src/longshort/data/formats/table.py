"""Tables with a column of texts and a column of labels."""

from __future__ import annotations

from dataclasses import replace

from longshort.config import DataConfig
from longshort.config.sequences import SequenceData
from longshort.data.label_sets import label_sets
from longshort.data.labelled import Examples
from longshort.data.labels import group_names, kind_of_labels, label_names
from longshort.data.roles import may_be_labels, seems_text
from longshort.data.sources import Source, open_source, polars_errors
from longshort.errors import DataError, nearest
from longshort.lazy import polars as pl

TEXTS = ("text", "texts", "sentence", "sentences", "review", "reviews", "content", "document",
         "comment", "message", "tweet", "headline", "utterance", "question")  # fmt: skip
LABELS = ("label", "labels", "class", "category", "target", "sentiment", "emotion", "intent",
          "topic", "y")  # fmt: skip
_TEXT_FLAG = (
    "--text (or give --set data.format=long where every row is a step of numbers, and rows where "
    "it is a whole sequence with its label; take the names of columns out then)"
)
_LONGEST_LINE = 1 << 26
"""Largest line in bytes; a text may be a whole book."""


def read(data: object, config: SequenceData, *, with_labels: bool = True) -> Examples:
    """Read a CSV, TSV, JSON-lines or Parquet file, or a frame. Raises `DataError` with the row."""
    source = opened(data, config)
    text = _text_column(source, config)
    label = _label_column(source, config, text) if with_labels else None
    if config.header is None and label is not None and _is_row(source, text, label):
        return read(data, config.model_copy(update={"header": False}))
    if text == label:
        raise DataError(f"{source.name}: the column {text!r} cannot be text and label at once")
    group = None
    if with_labels and config.group is not None:
        group = find_column(source, config.group, (), "group", "--group")
    table = _collected(source, [each for each in (text, label, group) if each is not None])
    texts = _texts(source, table[text])
    places = [source.row(i) for i in range(len(texts))]
    found: dict[str, object] = {} if config.format is None else {"format": config.format}
    if source.path is not None and config.header is not None:
        found["header"] = config.header
    found["text"] = text
    if group is not None:
        found["group"] = group
    examples = Examples(
        source.name,
        list(texts),
        None,
        places,
        source.path,
        source.sha256,
        read_as=found,
        findings=source.findings,
        groups=None if group is None else group_names(table[group].to_list(), places, source.name),
    )
    if label is None:
        return examples
    found["label"] = label
    cells = [f"{place}, column {label!r}" for place in places]
    values, owner = table[label].to_list(), source.path or source.name
    if config.multi_label:
        sets = label_sets(values, cells, owner, config.label_separator)
        return examples.with_sets(sets, "if that is wrong, say data.label_separator")
    labels = label_names(values, cells, owner)
    return replace(examples, labels=labels, label_kind=kind_of_labels(table[label]))


def _text_column(source: Source, config: SequenceData) -> str:
    """Return the text column: the one asked for, else by name, else by content."""
    if config.text is None and not _usual(source, TEXTS):
        found = seems_text(source)
        if found is not None and found != config.label:
            return found
    return find_column(source, config.text, TEXTS, "text", _TEXT_FLAG)


def _label_column(source: Source, config: SequenceData, text: str) -> str:
    """Return the label column in the same way; raises `DataError` with the candidates."""
    if config.label is not None or _usual(source, LABELS):
        return find_column(source, config.label, LABELS, "label", "--label")
    likely = may_be_labels(source, text)
    if len(likely) == 1:
        return next(iter(likely))
    if not likely:
        return find_column(source, None, LABELS, "label", "--label")
    shown = ", ".join(f"{name!r} ({count:,} values)" for name, count in likely.items())
    raise DataError(
        f"{source.name}: which column is the label? Name it with --label; likely ones are {shown}"
    )


def _is_row(source: Source, text: str, label: str) -> bool:
    """Whether column names are an example: the label's name is one of the labels."""
    if source.text is None or source.text.heading is None or label.lower() in LABELS:
        return False
    return text.lower() not in TEXTS and label in set(_collected(source, [label])[label].to_list())


def _usual(source: Source, names: tuple[str, ...]) -> bool:
    return any(name.strip().lower() in names for name in source.columns)


def opened(data: object, config: SequenceData) -> Source:
    """Open the table; its lines may be long."""
    kind = config.format if config.format in ("csv", "jsonl", "parquet") else None
    return open_source(
        data,
        DataConfig(
            format=kind, delimiter=config.delimiter, encoding=config.encoding, header=config.header
        ),
        _LONGEST_LINE,
    )


def find_column(
    source: Source, asked: str | None, usual: tuple[str, ...], role: str, flag: str
) -> str:
    """Return the column that was asked for, or the only one with a usual name."""
    if asked is not None:
        if asked not in source.columns:
            raise DataError(
                f"{source.name}: has no column {asked!r}; {nearest(asked, source.columns)}"
            )
        return asked
    found = [name for name in source.columns if name.strip().lower() in usual]
    if len(found) == 1:
        return found[0]
    raise DataError(
        f"{source.name}: which column is the {role}? Name it with {flag}; there are "
        f"{', '.join(source.columns[:20])}"
    )


def _collected(source: Source, columns: list[str]) -> pl.DataFrame:
    try:
        return source.lazy.select(columns).collect()
    except polars_errors() as error:
        raise DataError(source.explain(error)) from None


def _texts(source: Source, cells: pl.Series) -> list[str]:
    """Return texts; a missing text is an empty one."""
    if cells.dtype.is_nested() or cells.dtype in (pl.Object, pl.Binary):
        raise DataError(
            f"{source.name}: column {cells.name!r} holds {cells.dtype}; one text for each example "
            "is expected, so write texts there, or name another column with --text"
        )
    return cells.cast(pl.String).fill_null("").to_list()
