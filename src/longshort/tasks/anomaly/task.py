"""Anomaly detection in series, by a network that has learned what is normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.splits import Splits
from longshort.errors import ConfigError, DataError
from longshort.lazy import polars as pl
from longshort.metrics.detection import events_of
from longshort.metrics.significance import Comparison
from longshort.runs.task import (
    MODEL,
    Baseline,
    Encoded,
    Metric,
    Model,
    Say,
    Scored,
    Scores,
    Task,
    Track,
    Training,
    Words,
)
from longshort.tasks.anomaly import scoring
from longshort.tasks.anomaly.alarms import Alarms, Calibration, cutoffs
from longshort.tasks.anomaly.baselines import detected
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.doctor import examine
from longshort.tasks.anomaly.encoder import (
    AnomalyEncoder,
    Signals,
    encode,
    fit_encoder,
    known_of,
    restore_encoder,
    store_encoder,
)
from longshort.tasks.anomaly.judging import calibrated, judged, threshold_notes
from longshort.tasks.anomaly.rate import alarm_rate, usual_rate
from longshort.tasks.anomaly.samples import Stretch, divide, read_stretch
from longshort.tasks.anomaly.table import event_table, step_table

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.runs.abilities import Stepper
    from longshort.runs.portable import Portable
    from longshort.tasks.anomaly.follow import SeriesFollower
    from longshort.tasks.anomaly.subject import AnomalySubject

Floats = NDArray[np.float64]
AnomalyModel = Model[AnomalyConfig, AnomalyEncoder]
AnomalyResult = "Result[AnomalyConfig, Stretch, AnomalyEncoder, Alarms]"

_CENTRE, _SPREAD, _SCORES, _LEVEL = "centre.", "spread.", "calibration", "threshold"
_CUTOFF = "cutoff"


class AnomalyTask(Task[AnomalyConfig, Stretch, AnomalyEncoder, Alarms]):
    """Anomaly detection: rows far off what the normal beginning taught raise alarms."""

    name: ClassVar[str] = "anomaly"
    run_class = "longshort.api.anomaly_detector:AnomalyRun"
    window_key: ClassVar[str] = "train.bptt"
    Config = AnomalyConfig
    metrics = scoring.METRICS
    words = Words(
        model="detector",
        title="Anomalies",
        samples="steps",
        unit="samples",
        usage="Use it with `longshort predict RUN --data FILE` or "
        '`longshort.load("RUN").predict("FILE")`.',
        scores="VUS-PR is the area under precision and recall of the scores, tolerant of labels "
        "that are off by up to a period; no threshold takes part in it. Events are runs of "
        "flagged steps at our own threshold; delay is in steps, the error of the forecast in "
        "deviations of the training rows. Nothing is point-adjusted.",
        gain="gain in VUS-PR",
        gain_form="+.3f",
    )

    # Data

    def read(self, data: object, config: AnomalyConfig) -> Stretch:
        """Read all rows of a file or frame, with labels if a column is named."""
        return read_stretch(data, config, labelled=True)

    def read_new(self, data: object, model: AnomalyModel) -> Stretch:
        """Read rows on the run's grid; labels are not needed."""
        return self._known(read_stretch(data, model.config, labelled=False,
                                        axis=model.encoder.axis), model)  # fmt: skip

    def read_labelled(
        self, data: object, model: AnomalyModel, own: Splits[Stretch] | None
    ) -> Stretch:
        """Read rows on the run's grid, with labels."""
        del own
        found = read_stretch(data, model.config, labelled=True, axis=model.encoder.axis)
        return self._known(found, model)

    def _known(self, found: Stretch, model: AnomalyModel) -> Stretch:
        for key in found.panel.groups:
            known_of(model.encoder, key, found.name)
        return found

    def split(self, given: Any, config: Any) -> Splits[Stretch]:
        """Split into training rows, normal rows for the threshold, and rows that are searched."""
        return divide(given, config)

    def unlearned(
        self, samples: Stretch, model: AnomalyModel, own: Splits[Stretch] | None, say: Say
    ) -> Stretch:
        """Return the rows after the run's normal ones."""
        del own
        panel = samples.panel
        if panel.schema.time is None:
            say("note: without a time column nobody can tell whether these rows were learned from")
            return samples
        until = np.array([known_of(model.encoder, k, samples.name).until for k in panel.groups])
        start = np.clip(until - panel.first, 0, panel.lengths)
        found = samples.between(start, samples.end)
        if not len(found):
            raise DataError(
                f"{samples.name}: no row lies behind the run's normal part; give later ones, or "
                "--include-training"
            )
        return found

    def describe(self, splits: Splits[Stretch], config: AnomalyConfig) -> list[str]:
        """Describe steps, series, columns, and how they are read."""
        del config
        dataset = splits.train.dataset
        return [*dataset.describe(), *(f"decided: {line}" for line in dataset.decided)]

    def check(self, splits: Splits[Stretch], config: AnomalyConfig) -> list[Finding]:
        """Return the findings of reading, and those that would harm the search."""
        del config
        return [*splits.findings, *examine(splits)]

    def longest(self, config: AnomalyConfig, splits: Splits[Stretch]) -> int:
        """Return the steps of a training window."""
        del splits
        return config.train.bptt

    def resolve(self, config: AnomalyConfig, splits: Splits[Stretch]) -> AnomalyConfig:
        """Decide columns, and how many false alarms are wished."""
        train = splits.train
        schema, freq = train.panel.schema, train.panel.freq
        if config.alarm.threshold == "labels" and train.labels is None:
            raise ConfigError("alarm.threshold: 'labels' needs a column of labels; give --labels")
        if config.alarm.threshold == "telemanom" and config.model.score != ("error",):
            raise ConfigError(
                "alarm.threshold: 'telemanom' looks at the error of a forecast alone, and "
                f"model.score is {', '.join(config.model.score)}; set model.score = error"
            )
        if config.model.replace and config.model.ahead > 1:
            raise ConfigError(f"model.replace: needs model.ahead = 1, got {config.model.ahead}")
        rate = config.alarm.false_alarms or usual_rate(freq)
        alarm_rate(rate, freq)
        data = train.dataset.config.model_copy(
            update={"time": schema.time_setting, "target": schema.target, "path": config.data.path}
        )
        given = config.data.model_copy(
            update={key: getattr(data, key) for key in type(data).model_fields if key != "labels"}
        )
        by = config.alarm.judged_by or ("labels" if marked(splits.test) else "error")
        alarm = config.alarm.model_copy(update={"false_alarms": rate, "judged_by": by})
        return config.model_copy(update={"data": given, "alarm": alarm})

    def unused(self, config: AnomalyConfig, splits: Splits[Stretch]) -> list[tuple[str, str]]:
        """Return the settings of networks that the scores do not use, and of forecasts."""
        del splits
        scores, found = set(config.model.score), []
        found += [("data.calendar", "is of forecasts"), ("data.static", "is of forecasts")]
        if not scores & {"error", "nll"}:
            found += [("model.replace", "is of a network that forecasts")]
        if not scores & {"reconstruction", "aer"}:
            reason = "is of a network that rebuilds windows"
            found += [("model.window", reason), ("model.latent", reason)]
        return found

    def record(self, splits: Splits[Stretch]) -> dict[str, Any]:
        """Return source, grid and schema beside the splits."""
        panel = splits.train.panel
        grid = {"freq": vars(panel.freq), "form": vars(panel.form), "schema": vars(panel.schema)}
        return super().record(splits) | grid

    def digest(self, splits: Splits[Stretch]) -> str:
        """Return a digest of all rows, which every split holds."""
        return splits.train.digest()

    # Encoder

    def fit_encoder(self, train: Stretch, config: AnomalyConfig) -> AnomalyEncoder:
        """Fit scales, periods and autoregressions."""
        return fit_encoder(train, config)

    def store_encoder(self, encoder: AnomalyEncoder) -> dict[str, Any]:
        """Return the encoder as plain values."""
        return store_encoder(encoder)

    def restore_encoder(self, stored: dict[str, Any], config: AnomalyConfig) -> AnomalyEncoder:
        """Restore the encoder from plain values."""
        del config
        return restore_encoder(stored)

    def encode(self, encoder: AnomalyEncoder, samples: Stretch) -> Signals:
        """Return all rows in deviations."""
        return encode(encoder, samples)

    def describe_encoded(
        self, encoder: AnomalyEncoder, encoded: Mapping[str, Encoded[Stretch]]
    ) -> list[str]:
        """Describe the periods, and over how many steps scores are smoothed."""
        del encoded
        known = encoder.series.values()
        periods, spans = ({each.period for each in known}, {each.span for each in known})
        return [f"period: {_some(periods)} steps; scores are smoothed over {_some(spans)}"]

    # Network

    def build(self, config: AnomalyConfig, encoder: AnomalyEncoder) -> nn.Module:
        """Build recurrent layers that correct the autoregression, or rebuild windows."""
        from longshort.tasks.anomaly.network import Watcher

        inputs = len(next(iter(encoder.series.values())).centre)
        return Watcher(config.model, inputs, len(encoder.channels))

    def training(
        self, model: AnomalyModel, train: Encoded[Stretch], val: Encoded[Stretch]
    ) -> Training:
        """Return training on windows of the training rows."""
        from longshort.tasks.anomaly.learning import WatchLearning

        learning = WatchLearning(model, train.arrays, val.arrays, train.samples.name)
        return Training(learning, model.config.train, learning.plan())

    def fit_rest(
        self,
        model: AnomalyModel,
        train: Encoded[Stretch],
        val: Encoded[Stretch],
        say: Say,
        track: Track,
    ) -> dict[str, Floats]:
        """Fit normal errors, scores and thresholds on the validation rows."""
        from longshort.tasks.anomaly.inference import errors_of

        del train
        track("setting the threshold", 0, 0)
        each, cutoff = errors_of(model, val.arrays).each, None
        if model.config.model.replace:
            cutoff = cutoffs(next(iter(each.values())), val.arrays)
            each = errors_of(model, val.arrays, cutoff).each
        found = calibrated(each, val.arrays, val.samples, model.config)
        for line in threshold_notes(found, val, model.config):
            say(line)
        longest = max(scores.size for scores in found.scores)
        padded = np.full((len(found.scores), longest), np.nan)
        for group, scores in enumerate(found.scores):
            padded[group, : scores.size] = scores
        kept = {f"{_CENTRE}{name}": values for name, values in found.centre.items()}
        kept |= {f"{_SPREAD}{name}": values for name, values in found.spread.items()}
        kept |= {} if cutoff is None else {_CUTOFF: cutoff}
        return kept | {_SCORES: padded, _LEVEL: found.threshold}

    def rehearse(self, model: AnomalyModel, arrays: Signals) -> None:
        """Judge whole series, and a few rows one by one."""
        from longshort.tasks.anomaly.inference import errors_of
        from longshort.tasks.anomaly.walker import Walker

        self.predict(model, arrays)
        if model.config.model.replace:  # which predicts row by row alone
            errors_of(model, arrays)
        if model.config.model.forecasts and model.config.model.ahead == 1:
            walker = Walker(model.call, arrays.weights[0, 0], arrays.inputs.shape[1])
            for row in arrays.inputs[:3].astype(float):
                walker.step(row)

    def predict(self, model: AnomalyModel, arrays: Signals) -> Alarms:
        """Return scores, p-values and alarms of all rows."""
        from longshort.tasks.anomaly.inference import errors_of

        kept = calibration_of(model)
        found = errors_of(model, arrays, kept.cutoff)
        return judged(found.each, found.expected, arrays, kept, model.config)

    # Scores

    def metric(self, config: AnomalyConfig) -> Metric:
        """Return the volume if there are labels, the error of the forecast otherwise."""
        return scoring.METRICS[0 if config.alarm.judged_by == "labels" else 1]

    def baselines(
        self,
        model: AnomalyModel,
        splits: Mapping[str, Encoded[Stretch]],
        networks: Mapping[str, AnomalyModel],
        track: Track,
    ) -> dict[str, Baseline[Alarms]]:
        """Detect by one-liners, autoregression, neighbours and components.

        All have the same smoothing and the same threshold rule.
        """
        del networks
        return detected(model.config, splits, track)

    def score(self, model: AnomalyModel, samples: Stretch, prediction: Alarms) -> Scores:
        """Return metrics by labels, and by the error of the forecast."""
        if model.config.alarm.judged_by == "labels" and not marked(samples):
            raise DataError(
                f"{samples.name}: none of the rows to score is labelled as an anomaly, and the run "
                "is judged by labels; give rows with some, or train without --labels"
            )
        truth = encode(model.encoder, samples)
        values = np.where(truth.known, truth.values, np.nan)
        return scoring.scores_of(samples, values, prediction)

    def compare(self, scored: Scored[Stretch, Alarms], one: str, other: str) -> Comparison:
        """Compare by drawn stretches of time if there are labels, else by paired errors."""
        samples = scored.samples
        if not marked(samples):
            first, second = (scored.scores[name].per_sample for name in (one, other))
            return scoring.compare_by_error(first, second)
        own, others = (
            list(scoring.parts(samples, scored.predictions[name])) for name in (one, other)
        )
        return scoring.compare_by_labels(own, others)

    def sentence(
        self, model: AnomalyModel, cell: str, scored: Scored[Stretch, Alarms], result: Comparison
    ) -> str:
        """Return the verdict: how the detectors compare, and how the autoregression did."""
        return scoring.sentence(cell, scored, result, self.metric(model.config))

    def facts(self, model: AnomalyModel, scored: Scored[Stretch, Alarms]) -> dict[str, Any]:
        """Return sizes, and how the scores were smoothed."""
        samples, own = scored.samples, scored.predictions[MODEL]
        rows = samples.rows()
        labelled = [] if samples.labels is None else events_of(samples.labels & rows)
        return {
            "steps": len(samples),
            "series": samples.panel.num_groups,
            "events": sum(len(events_of(part.flagged)) for part in scoring.parts(samples, own)),
            "labelled_events": len(labelled),
            "causal": model.config.alarm.causal,
            "false_alarms_wished": model.config.alarm.false_alarms,
        }

    def subject(
        self, model: AnomalyModel, samples: Stretch, train: Stretch | None
    ) -> AnomalySubject:
        """Return the steps as rows that can be explained."""
        from longshort.tasks.anomaly.subject import AnomalySubject

        return AnomalySubject(model, samples, train)

    # Output

    def notes(self, model: AnomalyModel, scored: Scored[Stretch, Alarms]) -> dict[str, str]:
        """Return notes on the baselines, and which one is missing."""
        found = super().notes(model, scored)
        if not find_spec("sklearn"):
            found["forest"] = "is left out: it needs scikit-learn (pip install longshort[forest])"
        return found

    def table(self, model: AnomalyModel, samples: Stretch, prediction: Alarms) -> pl.DataFrame:
        """Return a row for each step."""
        return step_table(model.encoder, samples, prediction)

    def events(self, model: AnomalyModel, samples: Stretch, prediction: Alarms) -> pl.DataFrame:
        """Return a row for each alarm: start, end, peak, channels, and seen and expected values."""
        return event_table(model.encoder, samples, prediction)

    def follower(self, model: AnomalyModel, path: Path, state: Path) -> SeriesFollower:
        """Return an object that follows a growing file, row by row."""
        from longshort.tasks.anomaly.follow import SeriesFollower

        return SeriesFollower(model, calibration_of(model), path, state)

    def stepper(self, model: AnomalyModel) -> Stepper:
        """Return what judges one series row by row."""
        from longshort.tasks.anomaly.steps import anomaly_steps

        return anomaly_steps(self, model, calibration_of(model))

    def portable(self, model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
        """Return the network with what makes scores and alarms of its forecasts."""
        from longshort.tasks.anomaly.code import portable

        return portable(model, golden, steps, calibration_of(model))

    def about(self, model: AnomalyModel, splits: Splits[Stretch]) -> list[str]:
        """Return steps, series and columns, and how scores become alarms."""
        alarm = model.config.alarm
        sides = "the past alone" if alarm.causal else "both sides"
        return [
            *splits.train.dataset.describe(),
            f"scores are smoothed over {sides}; {alarm.false_alarms} false alarms are wished",
        ]

    def sections(self, result: Any) -> Sequence[Section]:
        """Return sections: series with expected values, scores and alarms; events; one-liners."""
        from longshort.tasks.anomaly.sections import sections

        return sections(result)

    def split_table(self, result: Any) -> list[list[str]]:
        """Return rows and dates of each split."""
        rows = [["split", "steps", "from", "to"]]
        for name, each in result.splits.by_name().items():
            panel = each.panel
            first, last = (
                panel.stamps(0, np.array([int(each.start[0])]))[0],
                panel.stamps(0, np.array([int(each.end[0]) - 1]))[0],
            )
            rows.append([name, f"{len(each):,}", first, last])
        return rows


def marked(samples: Stretch) -> bool:
    """Return whether one of the stretch's rows is labelled as an anomaly."""
    return samples.labels is not None and bool(samples.labels[samples.rows()].any())


def calibration_of(model: AnomalyModel) -> Calibration:
    """Return the calibration that the run keeps."""
    kept = {name: np.asarray(values) for name, values in model.kept.items()}
    scores = [row[~np.isnan(row)] for row in kept[_SCORES]]
    centre, spread = _under(kept, _CENTRE), _under(kept, _SPREAD)
    return Calibration(centre, spread, scores, kept[_LEVEL], kept.get(_CUTOFF))


def _under(kept: Mapping[str, Floats], prefix: str) -> dict[str, Floats]:
    return {k.removeprefix(prefix): v for k, v in kept.items() if k.startswith(prefix)}


def _some(numbers: set[int]) -> str:
    """Return the five smallest numbers as text."""
    return ", ".join(map(str, sorted(numbers)[:5])) + (", …" if len(numbers) > 5 else "")
