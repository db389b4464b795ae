"""Reading of tagged sentences from tables, which have a row for every token."""

from __future__ import annotations

from longshort.config import DataConfig
from longshort.data.formats.table import find_column
from longshort.data.sources import Source, open_source, polars_errors
from longshort.errors import DataError
from longshort.lazy import polars as pl
from longshort.tasks.tag.config import TagData
from longshort.tasks.tag.conll import TAGS, TOKENS, Tagged

SENTENCES = ("sentence", "sentence #", "sentence_id", "sentence id", "sentence_idx",
             "sentence_number", "sent_id", "sent", "sid", "id")  # fmt: skip


def names_roles(columns: list[str], settings: TagData, *, with_sentence: bool) -> bool:
    """Whether the columns have a token, and a sentence's number or a tag, by their names.

    with_sentence: whether the sentence's number is looked for, else the tag.
    """
    names = {name.strip().lower() for name in columns}
    wanted: list[tuple[str | None, tuple[str, ...]]] = [(settings.token, TOKENS)]
    wanted += [(settings.sentence, SENTENCES)] if with_sentence else [(settings.tag, TAGS)]
    return all(asked in columns or names & {*usual} for asked, usual in wanted)


def read_table(data: object, settings: TagData, *, with_tags: bool = True) -> Tagged:
    """Read the sentences of a CSV, TSV or Parquet file or of a frame, in the order of the rows.

    The sentence's number is in each of its rows, or only in the first one. Raises `DataError` with
    row and column for missing values, and if the rows of a sentence are not together.
    """
    source = open_source(data, DataConfig(encoding=settings.encoding))
    token = find_column(source, settings.token, TOKENS, "token", "--set data.token=NAME")
    names = {"token": token}
    if with_tags:
        names["tag"] = find_column(source, settings.tag, TAGS, "tag", "--set data.tag=NAME")
    if isinstance(source.sample.schema[token], pl.List):
        return _listed(source, names)
    names["sentence"] = find_column(source, settings.sentence, SENTENCES, "sentence's number",
                                    "--set data.sentence=NAME")  # fmt: skip
    table = _collected(source, names)
    groups = table.group_by("begin", maintain_order=True).agg(pl.exclude("begin"))
    return Tagged(
        source.name,
        groups["token"].to_list(),
        groups["tag"].to_list() if with_tags else None,
        [source.row(int(row)) for row in groups["row"].list.first()],
        source.path,
        source.sha256,
        "table",
        source.findings,
    )


def _listed(source: Source, names: dict[str, str]) -> Tagged:
    """Return the sentences of a table that has one in every row, as lists of tokens and tags."""
    for role, name in names.items():
        kind = source.sample.schema[name]
        if kind != pl.List(pl.String):
            raise DataError(
                f"{source.name}: column {name!r} holds {kind}, and lists of texts are expected: "
                f"write the names that its {role}s stand for"
            )
    table = source.lazy.select(names.values()).collect()
    places = [source.row(i) for i in range(len(table))]
    tags = table[names["tag"]].to_list() if "tag" in names else None
    tokens = table[names["token"]].to_list()
    for place, words, given in zip(places, tokens, tags or tokens, strict=True):
        if words is None or given is None or len(words) != len(given) or None in (*words, *given):
            raise DataError(f"{source.name}: {place}: every token needs one tag; correct the row")
    return Tagged(
        source.name, tokens, tags, places, source.path, source.sha256, "table", source.findings
    )


def _collected(source: Source, names: dict[str, str]) -> pl.DataFrame:
    """Return the columns sentence, token, row, begin, and tag if it is named.

    begin: the row in which the sentence begins.
    """
    try:
        table = (
            source.lazy.select(
                pl.col(name).cast(pl.String).alias(role) for role, name in names.items()
            )
            .with_row_index("row")
            .with_columns(pl.col("sentence").replace("", None).forward_fill())
            .collect()
        )
    except polars_errors() as error:
        raise DataError(source.explain(error)) from None
    if table.is_empty():
        raise DataError(f"{source.name}: has no rows")
    for role, name in names.items():
        missing = table.filter(pl.col(role).is_null() | (pl.col(role).str.strip_chars() == ""))
        if missing.height:
            raise DataError(
                f"{source.name}: {source.row(int(missing['row'][0]))}, column {name!r}: the {role} "
                "is missing; fill it in, or remove the row"
            )
    table = table.with_columns(begin=pl.col("sentence").rle_id())
    table = table.with_columns(begin=pl.col("row").first().over("begin"))
    again = table.filter(pl.col("begin") != pl.col("begin").first().over("sentence"))
    if again.height:
        raise DataError(
            f"{source.name}: {source.row(int(again['row'][0]))}, column {names['sentence']!r}: "
            f"{again['sentence'][0]!r} stands further up already, with another sentence between; "
            "keep the rows of a sentence together, and give every sentence its own number"
        )
    return table
