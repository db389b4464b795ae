"""Anomaly detection from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from longshort.api.estimator import Estimator
from longshort.api.fitting import with_data
from longshort.api.runs import Finished
from longshort.lazy import polars as pl
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.tasks.anomaly.alarms import Alarms
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.encoder import AnomalyEncoder
from longshort.tasks.anomaly.samples import Stretch
from longshort.train.events import Listener, silent


class AnomalyDetector(Estimator):
    """A detector of anomalies in series: settings first, then `fit`, whose run predicts.

    score_by: "error", "nll", "reconstruction", "aer", or several with commas; false_alarms: the
    rate to allow, as "1/week" or "1/1000" (steps); causal: whether scores are smoothed with the
    past alone, as in a stream.
    `settings` takes any key of `config.toml`, such as {"train.max_epochs": 10}.
    """

    task = "anomaly"
    keys: ClassVar[Mapping[str, str]] = {
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "score_by": "model.score",
        "false_alarms": "alarm.false_alarms",
        "causal": "alarm.causal",
        "seed": "train.seed",
    }

    def __init__(
        self,
        *,
        cell: str | None = None,
        hidden: int | None = None,
        num_layers: int | None = None,
        score_by: str | None = None,
        false_alarms: str | None = None,
        causal: bool | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.cell, self.hidden, self.num_layers = cell, hidden, num_layers
        self.score_by, self.false_alarms, self.causal = score_by, false_alarms, causal
        self.seed, self.settings = seed, settings
        self._check()

    def fit(
        self,
        data: object,
        *,
        time: str | None = None,
        target: str | Sequence[str] = (),
        group: str | Sequence[str] = (),
        past: str | Sequence[str] = (),
        labels: str | None = None,
        normal_until: str | float | int | None = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> AnomalyRun:
        """Learn what is normal from the beginning of each series, and search the rest.

        data: a file, or a polars or pandas frame; target: columns to watch; labels: the column that
        marks known anomalies with 1; normal_until: where the normal part ends, as a share or a
        number of rows or a timestamp. Without `out` the run lies in a temporary folder.
        verbose: whether remarks and progress are shown; None: on a terminal and in a notebook.
        """
        roles = {"time": time, "target": target, "group": group, "past": past, "labels": labels}
        settings = with_data(self._nested(), data, roles)
        if normal_until is not None:
            settings.setdefault("split", {})["normal"] = normal_until
        made = self._run(
            settings, data, out, overwrite=overwrite, verbose=verbose, say=say, listen=listen
        )
        self.run_ = run = AnomalyRun(*made)
        return run

    def predict(self, data: object = None) -> pl.DataFrame:
        """Return a row for each step, by the run of the last `fit`, as `AnomalyRun.predict`."""
        found: pl.DataFrame = self._fitted().predict(data)
        return found

    def score(self, data: object) -> float:
        """Return the VUS-PR of the run of the last `fit` on labels behind the normal part."""
        scores = self._fitted().evaluate(data)
        return float(scores["test"]["model"]["vus_pr"])


class AnomalyRun(Finished[Trained[AnomalyConfig, Stretch, AnomalyEncoder, Alarms]]):
    """A finished run: its scores, its report, and the detector in it."""

    def predict(self, data: object = None) -> pl.DataFrame:
        """Return a row for each step of a file or frame.

        It has score, threshold, p-value, alarm and expected value. data: None for the data of the
        run itself.
        """
        return self._trained.table(self._trained.read(self._trained.given_or_own(data)))

    def events(self, data: object = None) -> pl.DataFrame:
        """Return a row for each alarm: start, end, peak, score, p-value, channels, seen, expected.

        data: None for the data of the run itself.
        """
        samples = self._trained.read(self._trained.given_or_own(data))
        found = self._trained.events(samples, self._trained.predict(samples))
        assert found is not None
        return found
