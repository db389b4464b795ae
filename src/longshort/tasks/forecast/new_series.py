"""New data for a finished run: read as the run's own, with findings on unknown series."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from longshort.data.dataset import Dataset, read_dataset
from longshort.data.findings import Finding, refuse_errors
from longshort.data.lookalikes import resembling
from longshort.data.timeline import Ints
from longshort.errors import DataError, LongshortError
from longshort.runs.task import Say, quiet
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.inference import ForecastModel
from longshort.tasks.forecast.series import AnySeries, only_test
from longshort.tasks.forecast.windows import Windows


@dataclass(frozen=True)
class NewSeries(AnySeries):
    """Series that continue a run, from the rows `start` [G] on."""

    start: Ints

    def __len__(self) -> int:
        return int((self.panel.lengths - self.start).clip(0).sum())

    def since_training(self, encoder: ForecastEncoder) -> NewSeries:
        """Return the rows after the run's training and validation rows, of series that it knows."""
        rows = zip(encoder.groups, encoder.known_until, encoder.rows, strict=True)
        known = {key: end for key, end, count in rows if count > 0}
        groups = zip(self.panel.groups, self.panel.first, strict=True)
        until = np.array([known.get(key, begin) for key, begin in groups])
        return replace(self, start=np.maximum(until, self.panel.first) - self.panel.first)

    def windows(self, encoder: ForecastEncoder) -> Windows:
        """Return all windows after the start.

        They are in the scales of training; new series have scales of their own.
        """
        config, panel = encoder.config, self.panel
        context = np.minimum(panel.lengths, config.model.context_length or 1)
        own = encoder.for_panel(panel, context)
        reader = own.reader(panel)
        rows = only_test(self.start, panel.lengths)
        found = Windows(own, reader, reader.origins("test", rows, config.split.stride or 1))
        if not len(found):
            raise DataError(
                f"{self.name}: no window of {reader.context} + {reader.horizon} steps "
                "(context_length + horizon) has its horizon after the run's training and "
                "validation rows; give later data, or score those rows too with "
                "--include-training"
            )
        return found


def new_series(model: ForecastModel, data: object) -> NewSeries:
    """Read all rows of data that continue a run's, with findings on what the run has not seen."""
    dataset = continued(model, data)
    unseen = [Finding("unseen", "note", line) for line in model.encoder.unseen(dataset.panel)]
    found = (*_warnings(dataset), *_unknown_series(model, dataset), *unseen)
    return NewSeries(dataset, np.zeros_like(dataset.panel.lengths), findings=found)


def continued(model: ForecastModel, data: object, say: Say = quiet) -> Dataset:
    """Read data that continues a run, on the run's grid.

    Raises `DataError` for times of another kind.
    """
    if data is None:
        raise LongshortError("predict: the run was trained on a frame; pass the data to continue")
    dataset = read_dataset(data, model.config.data, model.encoder.axis)
    for finding in _warnings(dataset):
        say(f"{finding.severity}: {finding.sentence()}")
    refuse_errors(dataset.findings, dataset.source.name)
    kind = model.encoder.axis.form.kind
    if (dataset.panel.kind == "integer") != (kind == "integer"):
        raise DataError(
            f"{dataset.source.name}: its time column holds {dataset.panel.kind} values, the run "
            f"was trained on {kind} values"
        )
    return dataset


def _warnings(dataset: Dataset) -> list[Finding]:
    return [finding for finding in dataset.findings if finding.severity != "error"]


def _unknown_series(model: ForecastModel, dataset: Dataset) -> list[Finding]:
    """Return a note on series that were not seen in training.

    Raises `LongshortError` if they need a learned vector.
    """
    encoder, panel = model.encoder, dataset.panel
    known = {key for key, rows in zip(encoder.groups, encoder.rows, strict=True) if rows > 0}
    new = [key for key in panel.groups if key not in known]
    if not new:
        return []
    names = ", ".join("/".join(key) for key in new[:5])
    if model.config.model.embedding:
        raise LongshortError(
            f"series {names} were not seen in training, and model.embedding needs a learned "
            "vector for each; train with model.embedding=0 to score new series"
        )
    text = f"{len(new)} series were not seen in training ({names}); scaled by their own values"
    return [Finding("new-series", "note", text + resembling(new, encoder.groups))]
