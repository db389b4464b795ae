"""From rows as read to a panel: sorted, merged and placed on a time grid, with findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from longshort.config import DataConfig
from longshort.data.categories import category_columns, numbered
from longshort.data.columns import is_bad, number, refuse_text
from longshort.data.findings import Finding
from longshort.data.forms import Form
from longshort.data.moments import clock_changes, local_days, placed
from longshort.data.panel import Floats, Panel
from longshort.data.schema import Schema
from longshort.data.sentinels import sentinels
from longshort.data.sources import Source, polars_errors
from longshort.data.stamps import Reading, read_stamps, refuse_bad_stamps
from longshort.data.timeline import Freq, TimeAxis, infer_freq, is_dense
from longshort.data.zones import Ints, distinct
from longshort.errors import DataError
from longshort.lazy import polars as pl

_ON_GRID = 0.95
"""Share of the rows that must lie on the grid."""
_ENOUGH_STEPS = 10
_MAX_STRETCH = 20
"""Largest number of grid steps per row; with more, the inferred step is not credible."""


@dataclass(frozen=True)
class _Rows:
    """Rows as read: group codes [M], timestamps [M], values by role, and row numbers [M]."""

    groups: tuple[tuple[str, ...], ...]
    code: Ints
    stamps: Ints
    values: Floats
    row: Ints
    form: Form
    zone: str | None
    categories: dict[str, tuple[str, ...]]


def build_panel(
    source: Source, schema: Schema, config: DataConfig, run: TimeAxis | None = None
) -> tuple[Panel, list[Finding]]:
    """Read the columns of a schema and place them on a time grid.

    run: grid that the data must continue; otherwise it is `config.freq`, otherwise it is inferred.
    Findings say what was sorted, merged, moved or left empty. With findings of severity "error" the
    panel is for inspection only, and must not be trained on.
    """
    rows, findings = _read(source, schema, config, run)
    rows = _without_infinities(rows, source, schema, findings)
    _note_sentinels(rows, source, schema, findings)
    rows = _sorted(rows, source, findings)
    changes = clock_changes(rows.code, rows.stamps, rows.form, rows.zone)
    if changes is not None:
        findings.append(changes)
    grid, index = _grid(rows, source, config, run.freq if run else None, findings)
    rows, index = _merge_duplicates(rows, index, source, schema, config, findings)
    panel = _scatter(rows, index, grid, schema, source)
    _note_missing(panel, rows, index, findings)
    return panel, findings


def _read(
    source: Source, schema: Schema, config: DataConfig, run: TimeAxis | None
) -> tuple[_Rows, list[Finding]]:
    count = pl.int_range(pl.len(), dtype=pl.Int64)
    time = (count.over(*schema.group) if schema.group else count).alias("__time")
    reading = Reading(time, Form("integer", "number"))
    if schema.time is not None:
        like, zone = (run.form, run.freq.zone) if run else (None, None)
        reading = read_stamps(source, schema.times, config, like, zone)
        time = reading.value.alias("__time")
        if run is not None and reading.form.kind != "integer":
            _refuse_other_zone(source, reading, run)
    are_words = category_columns(source, schema, config)
    numbers = [name for name in schema.numbers if name not in are_words]
    bad_ones = [is_bad(source, name, config) for name in numbers]
    try:
        frame = source.lazy.select(
            time,
            pl.int_range(pl.len(), dtype=pl.Int64).alias("__row"),
            *(pl.col(name).cast(pl.String).alias(f"g{i}") for i, name in enumerate(schema.group)),
            *(
                pl.col(name).cast(pl.String).str.strip_chars().alias(f"w{i}")
                for i, name in enumerate(are_words)
            ),
            *(number(source, name, config).alias(f"v{i}") for i, name in enumerate(numbers)),
            *(bad.any().alias(f"b{i}") for i, bad in enumerate(bad_ones)),
        ).collect(engine="streaming")
        refuse_text(source, _holding_bad(frame, numbers), config)
        if schema.time is not None and frame["__time"].null_count():
            refuse_bad_stamps(source, schema.times, reading)
    except polars_errors() as error:
        raise DataError(source.explain(error)) from None
    groups, code = _group_keys(source, schema, frame)
    values = frame.select(pl.col(f"v{i}").fill_null(np.nan) for i in range(len(numbers)))
    table = values.to_numpy().reshape(len(frame), -1)
    categories: dict[str, tuple[str, ...]] = {}
    for i, name in enumerate(are_words):
        codes, categories[name] = numbered(source.name, frame[f"w{i}"].alias(name))
        table = np.insert(table, schema.numbers.index(name), codes, axis=1)
    stamps, row = frame["__time"].to_numpy().copy(), frame["__row"].to_numpy()
    findings = list(reading.notes)
    if reading.is_wall and reading.zone is not None:
        stamps = placed(source, schema.times, reading, (code, row, stamps), findings)
    rows = _Rows(groups, code, stamps, table, row, reading.form, reading.zone, categories)
    return rows, findings


def _refuse_other_zone(source: Source, reading: Reading, run: TimeAxis) -> None:
    """Raise `DataError` if one has wall times and the other instants."""
    if (reading.zone is None) == (run.freq.zone is None):
        return
    said = [
        f"time zone {zone}" if zone else "no time zone" for zone in (reading.zone, run.freq.zone)
    ]
    raise DataError(
        f"{source.name}: its timestamps have {said[0]}, the run was trained on timestamps with "
        f"{said[1]}; write them as the training data has them"
    )


def _holding_bad(frame: pl.DataFrame, numbers: list[str]) -> list[str]:
    """Return the columns in which a cell is not a number."""
    return [name for i, name in enumerate(numbers) if len(frame) and frame[f"b{i}"][0]]


def _group_keys(
    source: Source, schema: Schema, frame: pl.DataFrame
) -> tuple[tuple[tuple[str, ...], ...], Ints]:
    if not schema.group:
        return ((),), np.zeros(len(frame), np.int64)
    keys = frame.select(f"g{i}" for i in range(len(schema.group)))
    for key, name in zip(keys, schema.group, strict=True):
        if key.null_count():
            row = int(key.is_null().arg_max() or 0)
            raise DataError(
                f"{source.name}: {source.row(row)}, column {name!r}: the series name is missing"
            )
    unique = keys.unique(maintain_order=True).with_row_index("__group")
    code = keys.join(unique, on=keys.columns, how="left", maintain_order="left")["__group"]
    return tuple(unique.select(keys.columns).rows()), code.to_numpy().astype(np.int64)


def _without_infinities(
    rows: _Rows, source: Source, schema: Schema, findings: list[Finding]
) -> _Rows:
    infinite = np.isinf(rows.values)
    if not infinite.any():
        return rows
    at = np.argwhere(infinite)
    findings.append(
        Finding(
            "infinite",
            "error",
            f"{len(at):,} values are infinite",
            tuple(
                f"{source.row(int(rows.row[i]))}, column {schema.numbers[j]!r}" for i, j in at[:5]
            ),
            "correct them or leave the cells empty",
        )
    )
    values = np.where(infinite, np.nan, rows.values)
    return replace(rows, values=values)


def _note_sentinels(rows: _Rows, source: Source, schema: Schema, findings: list[Finding]) -> None:
    for column, name in enumerate(schema.numbers):
        for value, at in sentinels(rows.values[:, column]):
            places = np.flatnonzero(at)
            findings.append(
                Finding(
                    "sentinel",
                    "warning",
                    f"column {name!r} is {value:.10g} in {places.size:,} rows, far from its other "
                    "values, as if it stood for a missing one",
                    tuple(source.row(int(rows.row[i])) for i in places[:5]),
                    f"if it does, say so with --set data.missing={value:.10g}",
                )
            )


def _sorted(rows: _Rows, source: Source, findings: list[Finding]) -> _Rows:
    same = rows.code[1:] == rows.code[:-1]
    later = (rows.code[1:] > rows.code[:-1]) | (same & (rows.stamps[1:] >= rows.stamps[:-1]))
    if later.all():
        return rows
    by_group = np.lexsort((rows.row, rows.code))
    code, stamps = rows.code[by_group], rows.stamps[by_group]
    backwards = (code[1:] == code[:-1]) & (stamps[1:] < stamps[:-1])
    if backwards.any():
        at = by_group[np.flatnonzero(backwards) + 1]
        findings.append(
            Finding(
                "unsorted",
                "note",
                f"{at.size:,} rows stand before an earlier timestamp; sorted",
                tuple(source.row(int(rows.row[i])) for i in at[:5]),
                "sort the file by time to silence this",
            )
        )
    return _take(rows, np.lexsort((rows.row, rows.stamps, rows.code)))


def _take(rows: _Rows, order: Ints) -> _Rows:
    return replace(
        rows,
        code=rows.code[order],
        stamps=rows.stamps[order],
        values=rows.values[order],
        row=rows.row[order],
    )


def _grid(
    rows: _Rows, source: Source, config: DataConfig, freq: Freq | None, findings: list[Finding]
) -> tuple[Freq, Ints]:
    """Return the grid, and the grid index of each row."""
    starts = np.flatnonzero(np.diff(rows.code)) + 1
    series: list[Ints] = [distinct(part) for part in np.split(rows.stamps, starts)]
    asked = Freq.parse(config.freq) if config.freq is not None else None
    if asked is not None and (asked.unit == "rows") != (rows.form.kind == "integer"):
        hint = "leave out --time to count rows" if asked.unit == "rows" else "leave out --freq"
        raise DataError(
            f"{source.name}: data.freq = {config.freq!r} does not fit a time column of "
            f"{rows.form.kind} values; {hint}"
        )
    if freq is not None:
        grid = freq
        if asked is None:  # otherwise the data is resampled, as the run's was
            _refuse_other_step(series, rows, freq, findings)
    elif asked is not None:
        asked = replace(asked, zone=rows.zone)
        grid = asked.align(rows.stamps, dense=is_dense(series, asked.step))
    else:
        grid, share = infer_freq(series, rows.form.kind == "integer", rows.zone)
        if share < _ON_GRID:
            findings.append(
                Finding(
                    "irregular",
                    "error",
                    f"the timestamps are irregular: the likeliest step is {grid}, and "
                    f"{100 * (1 - share):.0f} % of the rows lie beside it",
                    (),
                    "say the step to resample to, for example --set data.freq=1h "
                    "--set data.duplicates=mean" + local_days(series, rows.zone),
                )
            )
            return grid, grid.to_index(rows.stamps)
    return grid, _on_grid(rows, source, grid, series, findings)


def _on_grid(
    rows: _Rows, source: Source, grid: Freq, series: list[Ints], findings: list[Finding]
) -> Ints:
    """Return the grid index of each row: the nearest step, or the one whose interval it is in."""
    is_rounded = grid.unit == "fixed" and not is_dense(series, grid.step)
    index = grid.to_nearest(rows.stamps) if is_rounded else grid.to_index(rows.stamps)
    at = np.flatnonzero(grid.off_grid(rows.stamps))
    if at.size:
        most = int(np.abs(grid.to_stamps(index) - rows.stamps).max())
        how = f"moved to the nearest step, by at most {Freq('fixed', most)}"
        findings.append(
            Finding(
                "off-grid",
                "warning",
                f"{at.size:,} timestamps lie between the steps of {grid}; each was "
                + (how if is_rounded else "moved back to the step before it"),
                tuple(source.row(int(rows.row[i])) for i in at[:5]),
                "correct the timestamps, or choose the step with --set data.freq=…"
                + local_days(series, rows.zone),
            )
        )
    return index


def _refuse_other_step(
    series: list[Ints], rows: _Rows, freq: Freq, findings: list[Finding]
) -> None:
    """Add an error if the data's step is not that of the run that it continues."""
    own, _ = infer_freq(series, rows.form.kind == "integer", freq.zone)
    beside = freq.far_off if own.anchor == freq.anchor else freq.off_grid
    off = np.mean(np.concatenate([beside(stamps) for stamps in series]))
    longest = max(len(stamps) for stamps in series)
    if off > 1 - _ON_GRID or (longest > _ENOUGH_STEPS and str(own) != str(freq)):
        findings.append(
            Finding(
                "other-step",
                "error",
                f"the data's step is {own}, the run was trained on steps of {freq}",
                (),
                "give data of the same step",
            )
        )


def _merge_duplicates(
    rows: _Rows,
    index: Ints,
    source: Source,
    schema: Schema,
    config: DataConfig,
    findings: list[Finding],
) -> tuple[_Rows, Ints]:
    repeat = (rows.code[1:] == rows.code[:-1]) & (index[1:] == index[:-1])
    if not repeat.any():
        return rows, index
    first, second = rows.values[:-1][repeat], rows.values[1:][repeat]
    differs = ((first != second) & ~(np.isnan(first) & np.isnan(second))).any(axis=1)
    at = np.flatnonzero(repeat) + 1
    where = tuple(source.row(int(rows.row[i])) for i in (at[differs] if differs.any() else at)[:5])
    conflict = bool(differs.any())
    how = config.duplicates if conflict else "first"
    verb = {"mean": "averaged", "last": "the last kept", "first": "the first kept"}
    said = "with different values" if how == "error" else verb[how]
    group = "" if schema.group else _several(source, schema)
    findings.append(
        Finding(
            "duplicates",
            "error" if how == "error" else "warning" if conflict else "note",
            f"{at.size:,} rows repeat a timestamp of their series; {said}",
            where,
            f"{group}or merge them with --set data.duplicates=mean (or first, last)"
            if how == "error"
            else "remove the repeated rows",
        )
    )
    start = np.concatenate([[True], ~repeat])
    keep = np.flatnonzero(start)
    if how == "last":
        keep = np.concatenate([keep[1:], [index.size]]) - 1
    merged = _take(rows, keep)
    if how in ("mean", "error"):
        known = ~np.isnan(rows.values)
        total = np.add.reduceat(np.where(known, rows.values, 0.0), keep, axis=0)
        count = np.add.reduceat(known.astype(np.float64), keep, axis=0)
        merged.values[...] = np.divide(
            total, count, out=np.full_like(total, np.nan), where=count > 0
        )
    return merged, index[keep]


def _several(source: Source, schema: Schema) -> str:
    """Say that rows may belong to several series, and which column distinguishes them."""
    rows, found = source.sample, ""
    for name in rows.columns if schema.times else ():
        is_name = rows[name].dtype == pl.String or rows[name].dtype.is_integer()
        is_name &= name not in {*schema.times, *schema.numbers}
        is_name &= rows[name].n_unique() < rows.height / 2
        if is_name and not rows.select(*schema.times, name).is_duplicated().any():
            found = f" {name}"
            break
    return f"if the file holds several series, name them with --group{found}; "


def _scatter(rows: _Rows, index: Ints, grid: Freq, schema: Schema, source: Source) -> Panel:
    count = len(rows.groups)
    starts = np.searchsorted(rows.code, np.arange(count))
    ends = np.searchsorted(rows.code, np.arange(count), side="right") - 1
    first = index[starts]
    lengths = index[ends] - first + 1
    total = int(lengths.sum())
    if total > _MAX_STRETCH * max(index.size, 1000):
        raise DataError(
            f"{source.name}: {index.size:,} rows would spread over {total:,} steps of {grid}; "
            "check the timestamps, or choose a longer step with --set data.freq=…"
        )
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    values = np.full((total, len(schema.numbers)), np.nan)
    values[offsets[rows.code] + index - first[rows.code]] = rows.values

    def pick(names: Sequence[str]) -> Floats:
        return np.ascontiguousarray(values[:, [schema.numbers.index(name) for name in names]])

    static = _static(pick(schema.static), offsets, rows, schema, source)
    return Panel(
        rows.groups,
        offsets,
        first,
        pick(schema.target),
        pick(schema.past),
        pick(schema.future),
        static,
        grid,
        rows.form,
        schema,
        rows.categories,
    )


def _static(values: Floats, offsets: Ints, rows: _Rows, schema: Schema, source: Source) -> Floats:
    static = np.zeros((len(rows.groups), values.shape[1]))
    for group in range(len(rows.groups) if values.shape[1] else 0):
        block = values[offsets[group] : offsets[group + 1]]
        for column, name in enumerate(schema.static):
            known = block[:, column][~np.isnan(block[:, column])]
            if known.size == 0 or np.any(known != known[0]):
                what = "is empty" if known.size == 0 else "changes"
                raise DataError(
                    f"{source.name}: static column {name!r} {what} within series "
                    f"{'/'.join(rows.groups[group])!r}; name it with --past or --future instead"
                )
            static[group, column] = known[0]
    return static


def _note_missing(panel: Panel, rows: _Rows, index: Ints, findings: list[Finding]) -> None:
    missing = panel.num_rows - index.size
    empty = np.flatnonzero(np.isnan(panel.target).all(axis=0))
    if empty.size:
        findings.append(
            Finding(
                "empty-target",
                "error",
                f"target column {panel.schema.target[int(empty[0])]!r} holds no value at all",
                (),
                "choose another --target",
            )
        )
    if not missing:
        return
    jump = (rows.code[1:] == rows.code[:-1]) & (np.diff(index) > 1)
    at = np.flatnonzero(jump)
    where = []
    for i in at[:5]:
        stamps = panel.form.texts(panel.freq.to_stamps(index[i : i + 2]))
        name = "/".join(panel.groups[int(rows.code[i])])
        where.append(f"{name + ': ' if name else ''}between {stamps[0]} and {stamps[1]}")
    findings.append(
        Finding(
            "gaps",
            "warning",
            f"{missing:,} steps of {panel.freq} are missing in {at.size:,} places",
            tuple(where),
            "the last known value stands in as input; missing steps are not scored",
        )
    )
