"""A data set on a time grid, as all commands on series use it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from longshort.config import DataConfig
from longshort.data.building import build_panel
from longshort.data.categories import category_columns
from longshort.data.columns import decide_notation
from longshort.data.findings import Finding
from longshort.data.numbered_times import spells_time
from longshort.data.panel import Panel
from longshort.data.rows import as_long
from longshort.data.schema import Schema, find_schema
from longshort.data.sources import Source, open_source
from longshort.data.stamps import looks_like_time, resembles_time
from longshort.data.timeline import TimeAxis
from longshort.errors import DataError


@dataclass(frozen=True)
class Dataset:
    """A panel of series with its source and the findings of reading it."""

    source: Source
    schema: Schema
    panel: Panel
    findings: tuple[Finding, ...]
    config: DataConfig
    """The reading's settings, with those that were decided from the data."""
    decided: tuple[str, ...] = ()
    """The decisions, in lines for people."""
    ahead: Panel | None = None
    """The panel including rows after the last target value, with covariates known in advance."""

    def until_last_value(self) -> Dataset:
        """Return the data set without rows after the last target value; `ahead` keeps them."""
        return replace(self, panel=self.panel.until_last_value(), ahead=self.panel)

    @property
    def unused(self) -> list[str]:
        """Names of the columns without a role."""
        schema = self.schema
        used = {*schema.times, *schema.group, *schema.numbers}
        return [name for name in self.source.columns if name not in used]

    def describe(self) -> list[str]:
        """Describe the data in lines for people."""
        panel, schema = self.panel, self.schema
        series = panel.num_groups * len(schema.target)
        named = schema.time_setting
        time = f"time {named!r}" if named else "no time column, rows are counted"
        targets = ", ".join(schema.target[:5]) + (", …" if len(schema.target) > 5 else "")
        longest = int(np.argmax(panel.lengths))
        ends = panel.stamps(longest, np.array([0, panel.lengths[longest] - 1]))
        unused = self.unused
        lines = [
            f"{self.source.name}: {panel.num_rows:,} steps of {panel.freq} in {series:,} series, "
            f"{ends[0]} to {ends[1]}",
            f"{time}; target {targets}",
        ]
        if unused:
            shown = ", ".join(unused[:5]) + (", …" if len(unused) > 5 else "")
            lines.append(f"columns that are not looked at: {shown}")
        return lines


def read_dataset(data: object, config: DataConfig, run: TimeAxis | None = None) -> Dataset:
    """Read a path or frame; `run` is the grid of a run that the data continues."""
    source = open_source(data, config)
    if source.sample.is_empty():
        raise DataError(f"{source.name}: there are column names but no rows")
    source, config = as_long(source, config)
    schema = find_schema(source, config)
    words = category_columns(source, schema, config)
    numbers = [name for name in schema.numbers if name not in words]
    config, decided = decide_notation(source, numbers, config)
    panel, findings = build_panel(source, schema, config, run)
    for name, known in panel.categories.items():
        shown = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
        decided.append(f"covariate {name!r} holds {len(known)} categories: {shown}")
    found = (*source.findings, *findings)
    dataset = Dataset(source, schema, panel, found, config, tuple(decided))
    return replace(dataset, findings=(*found, *_times_left_out(dataset, config)))


def _times_left_out(dataset: Dataset, config: DataConfig) -> list[Finding]:
    """Return findings on columns that look like dates and are not used."""
    source, found = dataset.source, []
    for name in dataset.unused[:50]:
        fix = f"choose it with --time {name}"
        if looks_like_time(source, name, config):
            what = "holds timestamps too"
        elif spells_time(source, name):
            what = f"holds numbers that run like times ({source.sample[name][0]})"
        elif (cell := resembles_time(source, name)) is not None:
            what = f"looks like dates ({cell!r}) of no form known here"
            fix += ", and say how it reads with --set data.time_format=…, or write it as 2024-01-31"
        else:
            continue
        said = f"column {name!r} {what}; it is not used"
        found.append(Finding("other-time", "note", said, fix=fix))
    return found
