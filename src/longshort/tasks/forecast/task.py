"""Forecasting: what comes next in series, with the calendar and covariates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.dataset import read_dataset
from longshort.data.findings import Finding
from longshort.data.split import PARTS
from longshort.data.splits import SPLITS, Splits
from longshort.metrics.significance import Comparison
from longshort.runs.task import (
    MODEL,
    Baseline,
    Encoded,
    Metric,
    Say,
    Scored,
    Scores,
    Task,
    Track,
    Training,
    Words,
)
from longshort.tasks.forecast import scoring
from longshort.tasks.forecast.ahead import Prediction, predict
from longshort.tasks.forecast.baselines.table import (
    decides_by_mae,
    fit_baselines,
    restore_baselines,
)
from longshort.tasks.forecast.calibration import FEWEST, calibration
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.contradictions import refuse_contradictions, refuse_negative
from longshort.tasks.forecast.defaults import refuse_reserved
from longshort.tasks.forecast.doctor import examine
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.inference import CALIBRATION, ForecastModel, calibrated, uncalibrated
from longshort.tasks.forecast.leakage import leak_warnings, leakage_proof
from longshort.tasks.forecast.linear import LinearWindows
from longshort.tasks.forecast.new_series import NewSeries, continued, new_series
from longshort.tasks.forecast.series import AnySeries, Series, Timeline
from longshort.tasks.forecast.steps import ForecastSteps
from longshort.tasks.forecast.tables import holdout_table
from longshort.tasks.forecast.windows import Forecasts, Windows

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.tasks.forecast.backtest import Backtest
    from longshort.tasks.forecast.sections import ForecastResult
    from longshort.tasks.forecast.subject import ForecastSubject

NOTES = "notes"
"""Name under which a run keeps remarks on the baselines."""


class ForecastTask(Task[ForecastConfig, AnySeries, ForecastEncoder, Forecasts]):
    """Forecasting: windows of the past to the next steps of each series."""

    name: ClassVar[str] = "forecast"
    run_class = "longshort.api.forecaster:Run"
    Config = ForecastConfig
    window_key: ClassVar[str] = "model.context_length"
    metrics = (
        Metric("mae", "MAE", False),
        Metric("rmse", "RMSE", False),
        Metric("r2", "R²"),
        Metric("smape", "sMAPE", False),
        Metric("mase", "MASE", False),
        Metric("scaled_mse", "scaled MSE", False),
        Metric("scaled_mae", "scaled MAE", False),
    )
    words = Words(
        model="forecaster",
        title="Forecast",
        samples="windows",
        unit="samples",
        usage="Use it with `longshort predict RUN --data FILE` or "
        '`longshort.load("RUN").predict("FILE")`.',
        scores="There is a window for each series and origin. MAE and RMSE are in "
        "the data's own units, sMAPE in percent; MASE divides by the seasonal naive error on the "
        "training rows; scaled values are z-scored with each series' training mean and deviation.",
        start="the linear path alone, where there is one",
    )
    checks_decisions = False
    needs_own_data = False

    # Data

    def read(self, data: object, config: ForecastConfig) -> AnySeries:
        """Read a table of series, as a training split."""
        timeline = Timeline(read_dataset(data, config.data), config)
        return Series(timeline.dataset, timeline, "train")

    def split(self, given: Any, config: Any) -> Splits[AnySeries]:
        """Split by time, the test split last, as the decided settings say."""
        train, val, test = (replace(given["train"], split=name) for name in SPLITS)
        return Splits(train, val, test, (), _borders(config))

    def with_settings(self, splits: Splits[AnySeries], config: ForecastConfig) -> Splits[AnySeries]:
        """Return the splits over a timeline that decides what these settings leave open."""
        before = timeline_of(splits.train)
        return self._over(Timeline(before.whole, config, before.share), splits)

    def thinned(self, splits: Splits[AnySeries], share: float, seed: int) -> Splits[AnySeries]:
        """Return the splits with this share of each series' training rows, the newest ones."""
        del seed
        before = timeline_of(splits.train)
        return self._over(Timeline(before.whole, before.config, share), splits)

    def _over(self, timeline: Timeline, splits: Splits[AnySeries]) -> Splits[AnySeries]:
        train, val, test = (Series(timeline.dataset, timeline, part) for part in PARTS)
        return Splits(train, val, test, splits.findings, splits.how)

    def describe(self, splits: Splits[AnySeries], config: ForecastConfig) -> list[str]:
        """Describe steps, series, columns, and how they are read."""
        del config
        dataset = timeline_of(splits.train).whole
        lines = [*dataset.describe(), *(f"decided: {line}" for line in dataset.decided)]
        if dataset.unused and dataset.schema.time is None:
            lines.append("note: rows are taken for steps in time; labels are for --task classify")
        return lines

    def check(self, splits: Splits[AnySeries], config: ForecastConfig) -> list[Finding]:
        """Return findings about the data that would harm a forecaster."""
        dataset = timeline_of(splits.train).dataset
        refuse_reserved(dataset.schema)
        return examine(dataset, config)

    def resolve(self, config: ForecastConfig, splits: Splits[AnySeries]) -> ForecastConfig:
        """Decide split, season, lengths, what is known ahead, and the network's size."""
        decided, _ = timeline_of(splits.train).decided
        found = decided.updated("data", {"path": config.data.path})
        refuse_contradictions(found)
        return found

    def longest(self, config: ForecastConfig, splits: Splits[AnySeries]) -> int:
        """Return the number of patches of a context."""
        del splits
        return -(-(config.model.context_length or 1) // (config.model.patch or 1))

    def decisions(
        self, before: ForecastConfig, after: ForecastConfig, splits: Splits[AnySeries]
    ) -> list[str]:
        """Return a line for each decision, with its reason."""
        del before, after
        return timeline_of(splits.train).decided[1]

    def digest(self, splits: Splits[AnySeries]) -> str:
        """Return a digest of all rows, whatever their split."""
        return splits.train.digest()

    def record(self, splits: Splits[AnySeries]) -> dict[str, Any]:
        """Return source, schema, grid and split."""
        timeline = timeline_of(splits.train)
        source, panel = timeline.whole.source, timeline.panel
        return {
            "path": source.path,
            "sha256": source.sha256,
            "bytes": source.size,
            "rows": panel.num_rows,
            "freq": vars(panel.freq),
            "form": vars(panel.form),
            "schema": vars(timeline.dataset.schema),
            "split": timeline.split.describe(panel),
        }

    # Encoder

    def fit_encoder(self, train: AnySeries, config: ForecastConfig) -> ForecastEncoder:
        """Fit scales, effects and the range of the training rows."""
        timeline = timeline_of(train)
        encoder = ForecastEncoder.fit(timeline.panel, timeline.split, config)
        if config.train.loss == "poisson":
            refuse_negative(timeline.panel, encoder)
        return encoder

    def store_encoder(self, encoder: ForecastEncoder) -> dict[str, Any]:
        """Return the encoder as plain values."""
        return encoder.to_dict()

    def restore_encoder(self, stored: dict[str, Any], config: ForecastConfig) -> ForecastEncoder:
        """Restore the encoder from plain values."""
        return ForecastEncoder.from_dict(stored, config)

    def encode(self, encoder: ForecastEncoder, samples: AnySeries) -> Windows:
        """Return windows of scaled values."""
        return samples.windows(encoder)

    # Network

    def build(self, config: ForecastConfig, encoder: ForecastEncoder) -> nn.Module:
        """Build recurrent layers over normalised windows, beside a linear map."""
        from longshort.tasks.forecast.network import build_network

        del config
        return build_network(encoder)

    def start(
        self, model: ForecastModel, train: Encoded[AnySeries], val: Encoded[AnySeries]
    ) -> list[str]:
        """Start the linear path at its optimum."""
        from longshort.tasks.forecast.learning import start_linear_path

        start_linear_path(model, train.arrays, val.arrays)
        return []

    def training(
        self, model: ForecastModel, train: Encoded[AnySeries], val: Encoded[AnySeries]
    ) -> Training:
        """Return training on windows that are drawn at random."""
        from longshort.tasks.forecast.learning import ForecastLearning

        learning = ForecastLearning(model, train.arrays, val.arrays)
        return Training(learning, model.config.train, learning.plan())

    def fit_rest(
        self,
        model: ForecastModel,
        train: Encoded[AnySeries],
        val: Encoded[AnySeries],
        say: Say,
        track: Track,
    ) -> dict[str, NDArray[Any]]:
        """Fit the calibration of the quantiles, on the validation split, and the baselines."""
        kept: dict[str, NDArray[Any]] = {}
        if model.config.model.quantiles and model.config.model.calibrate:
            track("calibrating the intervals", 0, 0)
            shifts = calibration(model, val.arrays)
            if shifts is None:
                say(
                    "warning: the quantiles are not calibrated: the validation split has fewer "
                    f"than {FEWEST} windows of series that move; give more data or a larger "
                    "split.val"
                )
            else:
                kept[CALIBRATION] = shifts
        origins = train.arrays.origins, val.arrays.for_validation.origins
        windows = LinearWindows(train.arrays.reader, *origins)
        fitted, notes = fit_baselines(model.encoder, train.arrays.panel, windows, track)
        as_bytes = np.frombuffer(json.dumps(notes).encode(), dtype=np.uint8).copy()
        return kept | fitted | {NOTES: as_bytes}

    def predict(self, model: ForecastModel, arrays: Windows) -> Forecasts:
        """Return quantiles of every window, in the data's units."""
        raw = uncalibrated(model, arrays)
        quantiles = calibrated(model, arrays, raw)
        before = raw if CALIBRATION in model.kept else None
        return Forecasts(arrays.held, quantiles[..., model.config.model.middle], quantiles, before)

    # New data

    def read_labelled(
        self, data: object, model: ForecastModel, own: Splits[AnySeries] | None
    ) -> AnySeries:
        """Read series that continue the run's, with findings on unknown ones."""
        del own
        return new_series(model, data)

    def unlearned(
        self, samples: AnySeries, model: ForecastModel, own: Splits[AnySeries] | None, say: Say
    ) -> AnySeries:
        """Return the rows after the run's training and validation rows, of series that it knows."""
        del own
        assert isinstance(samples, NewSeries)
        if samples.dataset.schema.time is None:
            say("note: without a time column nobody can tell whether these rows were trained on")
            return samples
        return samples.since_training(model.encoder)

    def ahead(
        self, model: ForecastModel, data: object, horizon: int | None, say: Say
    ) -> Prediction:
        """Forecast every series past its end, `horizon` steps or as many as the model's."""
        dataset = continued(model, data, say)
        steps = horizon if horizon is not None else model.config.model.horizon or 1
        return predict(model, dataset.panel, steps)

    def stepper(self, model: ForecastModel) -> ForecastSteps:
        """Return what forecasts one series row by row."""
        return ForecastSteps(model)

    def backtest(self, settings: Mapping[str, Any], **how: Any) -> Backtest:
        """Forecast from rolling origins; `how` as in `tasks.forecast.backtest.backtest`."""
        from longshort.tasks.forecast.backtest import backtest

        return backtest(settings, **how)

    # Scores

    def metric(self, config: ForecastConfig) -> Metric:
        """Return the scaled metric that corresponds to the loss."""
        key = "scaled_mae" if decides_by_mae(config) else "scaled_mse"
        return next(metric for metric in self.metrics if metric.key == key)

    def baselines(
        self,
        model: ForecastModel,
        splits: Mapping[str, Encoded[AnySeries]],
        networks: Mapping[str, ForecastModel],
        track: Track,
    ) -> dict[str, Baseline[Forecasts]]:
        """Forecast by profiles of the calendar, naive baselines, smoothing and linear models."""
        del networks
        track("forecasting the test windows", 0, 0)
        test, arrays = splits["test"].arrays, dict(model.kept)
        kept = np.asarray(arrays.pop(NOTES, np.frombuffer(b"{}", np.uint8)))
        notes = json.loads(kept.tobytes()) | scoring.season_notes(test)
        return {
            each.name: Baseline(
                Forecasts(test.held, test.above_floor(each.forecast(test))),
                each.title,
                notes.get(each.name, ""),
            )
            for each in restore_baselines(model.encoder, arrays)
        }

    def score(self, model: ForecastModel, samples: AnySeries, prediction: Forecasts) -> Scores:
        """Return metrics overall, by step and by series."""
        del samples
        return scoring.scores(prediction, model.config)

    def compare(self, scored: Scored[AnySeries, Forecasts], one: str, other: str) -> Comparison:
        """Compare losses by moment in a paired test; the horizons of neighbours overlap."""
        return scoring.compare_losses(scored, one, other)

    def sentence(
        self,
        model: ForecastModel,
        cell: str,
        scored: Scored[AnySeries, Forecasts],
        result: Comparison,
    ) -> str:
        """Return the verdict, in percent of the best baseline's error."""
        return scoring.verdict(scored, model.config, cell, result)

    def facts(self, model: ForecastModel, scored: Scored[AnySeries, Forecasts]) -> dict[str, Any]:
        """Return windows, series, and whether the forecast is an echo or flat."""
        own = scored.predictions[MODEL]
        return {
            "windows": len(own.held.truth),
            "horizon": model.config.model.horizon,
            "series": list(own.held.names),
            **scoring.checks(own),
        }

    def basis(self, model: ForecastModel, scored: Scored[AnySeries, Forecasts]) -> str:
        """Return the number of test windows."""
        del model
        return f"{len(scored.predictions[MODEL].held.truth):,} test windows"

    def notes(self, model: ForecastModel, scored: Scored[AnySeries, Forecasts]) -> dict[str, str]:
        """Return remarks on the baselines, and what share of the truth the intervals cover."""
        covered = scoring.coverage_notes(scored.scores[MODEL].values)
        return super().notes(model, scored) | covered

    def proofs(self, result: ForecastResult) -> tuple[dict[str, Any], str]:
        """Return the leakage proof: nothing later changes the encoder or the forecasts."""
        timeline, test = timeline_of(result.splits.train), result.encoded["test"].arrays
        proof = leakage_proof(result.model, timeline, test.origins)
        text = leak_warnings(result.findings)
        if proof["is_leaking"]:
            text += " Beware: the future leaks into the forecast."
        return {"leakage": proof}, text

    def subject(
        self, model: ForecastModel, samples: AnySeries, train: AnySeries | None
    ) -> ForecastSubject:
        """Return the samples as rows that can be explained."""
        from longshort.tasks.forecast.subject import ForecastSubject

        return ForecastSubject(model, samples, train)

    # Output

    def readable(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the table as it is: its digits are those of each series' own values."""
        return table

    def table(
        self, model: ForecastModel, samples: AnySeries, prediction: Forecasts
    ) -> pl.DataFrame:
        """Return the forecasts of every horizon-th origin."""
        return holdout_table(samples.panel, {MODEL: prediction}, model.config)

    def test_table(
        self, model: ForecastModel, scored: Scored[AnySeries, Forecasts]
    ) -> pl.DataFrame:
        """Return the same forecasts beside the truth and the baselines' forecasts."""
        return holdout_table(scored.samples.panel, scored.predictions, model.config)

    def about(self, model: ForecastModel, splits: Splits[AnySeries]) -> list[str]:
        """Return steps, series and columns, and the lengths of a window."""
        timeline, config = timeline_of(splits.train), model.config.model
        return [
            *timeline.dataset.describe(),
            f"context {config.context_length} steps of {timeline.panel.freq}, horizon "
            f"{config.horizon}",
        ]

    def sections(self, result: ForecastResult) -> Sequence[Section]:
        """Return sections: what comes next, forecasts against truth, errors, and proofs."""
        from longshort.tasks.forecast.sections import sections

        return sections(result)

    def split_table(self, result: ForecastResult) -> list[list[str]]:
        """Return rows and dates of each split."""
        timeline = timeline_of(result.splits.train)
        found = timeline.split.describe(timeline.panel)
        rows = [
            [
                name,
                f"{found[name]['rows']:,}",
                found[name].get("from", ""),
                found[name].get("to", ""),
            ]
            for name in SPLITS
        ]
        return [["split", "rows", "from", "to"], *rows]


def _borders(config: ForecastConfig) -> str:
    """Return how many steps lie between splits, and to which split a window belongs."""
    reach = "; its context may reach back over the border, as it would in use"
    return (
        f"{config.split.gap} steps are left out between them; a window belongs to the one that "
        f"holds its whole horizon{'' if config.split.isolate else reach}"
    )


def timeline_of(samples: AnySeries) -> Timeline:
    """Return the data set of which a run's samples are a split."""
    assert isinstance(samples, Series)
    return samples.timeline
