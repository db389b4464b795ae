"""The task of forecasting frames: from those that were seen to those that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from longshort.data.findings import Finding
from longshort.data.splits import Splits, make_splits
from longshort.lazy import polars as pl
from longshort.metrics.frames import squared
from longshort.metrics.significance import Comparison, compare
from longshort.runs.sample_task import SampleTask
from longshort.runs.task import (
    Baseline,
    Encoded,
    Loss,
    Metric,
    Model,
    Scored,
    Scores,
    Track,
    Training,
    Words,
)
from longshort.tasks.frames import baselines, files, parts, scoring, source, tables
from longshort.tasks.frames.clips import Windows
from longshort.tasks.frames.config import FramesConfig
from longshort.tasks.frames.defaults import decided, unused
from longshort.tasks.frames.encoder import Floats, FrameArrays, FrameEncoder, encode, fit_encoder
from longshort.tasks.frames.inference import forecast
from longshort.tasks.frames.steps import FrameSteps
from longshort.tasks.frames.work import described, work

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.runs.result import Result

FramesModelOf = Model[FramesConfig, FrameEncoder]
_REHEARSED = 2
"""Windows by which an export learns how the network is called."""


class FramesTask(SampleTask[FramesConfig, Windows, FrameEncoder, Floats]):
    """Forecasting the next frames of moving pictures; a sample is a window of a clip.

    A prediction is an array of frames [n, M, Y, X, C] with values from 0 to 1.
    """

    name: ClassVar[str] = "frames"
    unexplained: ClassVar[str] = (
        "a forecast is whole frames, not one number, and layers over maps have no rules for "
        "relevance; the report shows forecasts beside the truth, and values at single places are "
        "explained as series: longshort run FILE --task forecast"
    )
    run_class = "longshort.api.frame_forecaster:FrameForecasterRun"
    Config = FramesConfig
    metrics = (
        Metric("mse", "MSE", False, spoken="MSE {}"),
        Metric("mae", "MAE", False),
        Metric("ssim", "SSIM"),
        Metric("psnr", "PSNR"),
        Metric("mean_mse", "MSE of a pixel", False),
        Metric("mean_mae", "MAE of a pixel", False),
    )
    words = Words(
        model="forecaster of frames",
        title="Forecasts of frames",
        samples="windows",
        unit="frames",
        usage="Use it with `longshort predict RUN --data CLIP --out FRAMES.npy` (or .npz, .gif), "
        'or `longshort.load("RUN").predict(frames)`.',
        scores="Values are from 0 to 1. MSE and MAE are sums over the pixels of a frame, means "
        "over frames and windows; SSIM has a Gaussian window of 11 pixels, deviation 1.5 (Wang et "
        "al., 2004); PSNR is in dB.",
        gain="share of the squared error saved",
    )
    measure = "MSE, summed over a frame"

    # Data

    def read(self, data: object, config: FramesConfig) -> Windows:
        """Read clips as windows of the frames that are read and those that follow."""
        return source.read_splits({"train": data}, config)["train"]

    def read_splits(self, given: Mapping[str, object], config: FramesConfig) -> dict[str, Windows]:
        """Read the clips of each source, in windows of one length."""
        return source.read_splits(given, config)

    def read_new(self, data: object, model: FramesModelOf) -> Windows:
        """Read the last frames of each clip; what follows is not known."""
        return data if isinstance(data, Windows) else source.read_new(data, model.config)

    def read_labelled(
        self, data: object, model: FramesModelOf, own: Splits[Windows] | None
    ) -> Windows:
        """Read windows with the frames that follow."""
        del own
        return source.read_labelled(data, model.config)

    def split(self, given: Any, config: Any) -> Splits[Windows]:
        """Draw clips for the splits; of one or two clips each is cut into parts, the last for test.

        No frame is in two splits.
        """
        whole: Windows = given["train"]
        how: Any = config.split
        if len(whole.clips) < parts.FEWEST and len(given) < len(("train", "val", "test")):
            return parts.in_time(given, how.val, how.test, config.data.step)
        return make_splits(
            given, val=how.val, test=how.test, stratify=False, seed=how.seed, groups=parts.of_clips
        )

    def check(self, splits: Splits[Windows], config: FramesConfig) -> list[Finding]:
        """Return the findings of reading and splitting, and values outside of the range."""
        return [*splits.findings, *parts.out_of_range(splits, config)]

    def resolve(self, config: FramesConfig, splits: Splits[Windows]) -> FramesConfig:
        """Decide lengths, sizes and the amount of training by the training windows."""
        return decided(config, splits)

    def longest(self, config: FramesConfig, splits: Splits[Windows]) -> int:
        """Return the frames of a window."""
        del config
        return splits.train.length

    def unused(self, config: FramesConfig, splits: Splits[Windows]) -> list[tuple[str, str]]:
        """Return settings without effect, each with the reason."""
        del splits
        return unused(config)

    # Encoder and network

    def fit_encoder(self, train: Windows, config: FramesConfig) -> FrameEncoder:
        """Fit the range of the values on the training clips."""
        return fit_encoder(train, config)

    def store_encoder(self, encoder: FrameEncoder) -> dict[str, Any]:
        """Return the encoder as plain values."""
        return {
            "low": encoder.low,
            "high": encoder.high,
            "shape": list(encoder.shape),
            "patch": encoder.patch,
            "mean": encoder.mean,
            "missing": encoder.missing,
            "scales": encoder.scales,
            "outputs": encoder.outputs,
            "base": encoder.base,
        }

    def restore_encoder(self, stored: dict[str, Any], config: FramesConfig) -> FrameEncoder:
        """Restore the encoder from plain values."""
        del config
        rows, columns, channels = map(int, stored["shape"])
        low, high, mean = (float(stored[name]) for name in ("low", "high", "mean"))
        missing = None if stored["missing"] is None else float(stored["missing"])
        patch, scales = int(stored["patch"]), int(stored["scales"])
        shape = (rows, columns, channels)
        outputs, base = int(stored["outputs"]), stored["base"]
        return FrameEncoder(low, high, shape, patch, mean, missing, scales, outputs, base)

    def encode(self, encoder: FrameEncoder, samples: Windows) -> FrameArrays:
        """Return windows that are scaled and folded into patches batch by batch."""
        return encode(encoder, samples)

    def describe_encoded(
        self, encoder: FrameEncoder, encoded: Mapping[str, Encoded[Windows]]
    ) -> list[str]:
        """Describe frames, windows and maps."""
        first = next(iter(encoded.values())).samples
        rows, columns = encoder.map_size
        return [
            f"frames: {' x '.join(map(str, encoder.shape))}, values {encoder.low:g} to "
            f"{encoder.high:g}; {first.inputs} are read, {first.outputs} follow; as maps of "
            f"{rows} x {columns} places with {encoder.channels} channels"
        ]

    def build(self, config: FramesConfig, encoder: FrameEncoder) -> nn.Module:
        """Build the recurrent layers over maps and the head."""
        from longshort.tasks.frames.network import FrameForecaster

        return FrameForecaster(config.model, encoder)

    def start(
        self, model: FramesModelOf, train: Encoded[Windows], val: Encoded[Windows]
    ) -> list[str]:
        """Let the untrained network forecast its base or the mean; say what training costs."""
        from longshort.tasks.frames.learning import start

        del val
        start(model.network, model.encoder)
        settings = model.config.train
        most = settings.batch_size * (settings.steps_per_epoch or len(train.samples))
        cost = work(model.network, model.config, model.encoder)
        count = min(len(train.samples), most)
        return [described(cost, count, settings.max_epochs or 1)]

    def loss(self, model: FramesModelOf, batch: Any) -> Loss:
        """Return the loss of a batch without true frames in the forecaster."""
        return self.loss_at(model, batch, 1.0)

    def loss_at(self, model: FramesModelOf, batch: Any, share: float) -> Loss:
        """Return the loss when this share of the training is done."""
        from longshort.tasks.frames.learning import loss_of

        return loss_of(model.network, batch, model.config, model.encoder, share)

    def training(
        self, model: FramesModelOf, train: Encoded[Windows], val: Encoded[Windows]
    ) -> Training:
        """Train in batches, with a share of true frames that falls."""
        from longshort.runs.gradual import GradualLearning

        learning = GradualLearning(self, model, train, val)
        return Training(learning, model.config.train, learning.plan())

    def validate(self, model: FramesModelOf, val: Encoded[Windows]) -> float:
        """Return the squared error of the first validation windows, spread over all of them."""
        count = min(len(val.samples), model.config.evaluate.val_windows)
        rows = np.linspace(0, len(val.samples) - 1, count).astype(np.int64)
        some = replace(val.arrays, windows=val.samples.take(rows))
        return float(squared(some.truth(), forecast(model, some)).mean())

    def predict(self, model: FramesModelOf, arrays: FrameArrays) -> Floats:
        """Return the frames that follow each window."""
        return forecast(model, arrays)

    def rehearse(self, model: FramesModelOf, arrays: FrameArrays) -> None:
        """Forecast a few windows, in which all that inference does is done."""
        few = arrays.windows.take(range(min(_REHEARSED, len(arrays.windows))))
        self.predict(model, replace(arrays, windows=few))

    def stepper(self, model: FramesModelOf) -> FrameSteps:
        """Return what forecasts from the last frames of a session."""
        return FrameSteps(self, model)

    # Scores

    def baselines(
        self,
        model: FramesModelOf,
        splits: Mapping[str, Encoded[Windows]],
        networks: Mapping[str, FramesModelOf],
        track: Track,
    ) -> dict[str, Baseline[Floats]]:
        """Return still frames, and the last frame moved on."""
        del model, networks
        track("moving the last frames on", 0, 0)
        return baselines.baselines(splits["train"].arrays, splits["test"].arrays)

    def score(self, model: FramesModelOf, samples: Windows, prediction: Floats) -> Scores:
        """Score forecasts of windows whose frames are known."""
        return self._scores(model, encode(model.encoder, samples), prediction)

    def _scores(self, model: FramesModelOf, arrays: FrameArrays, prediction: Floats) -> Scores:
        thresholds = model.config.evaluate.thresholds
        return scoring.scores(model.encoder, arrays.truth(), prediction, thresholds)

    def compare(self, scored: Scored[Windows, Floats], one: str, other: str) -> Comparison:
        """Compare squared errors: clips with each other, or windows that follow in time."""
        first, second = (scored.scores[name].per_sample for name in (one, other))
        return compare(*parts.independent(scored.samples, first, second))

    def facts(self, model: FramesModelOf, scored: Scored[Windows, Floats]) -> dict[str, Any]:
        """Return the numbers of windows, clips and frames."""
        del model
        samples = scored.samples
        return {
            "examples": len(samples),
            "clips": len(np.unique(samples.owners)),
            "inputs": samples.inputs,
            "outputs": samples.outputs,
        }

    # Output

    def table(self, model: FramesModelOf, samples: Windows, prediction: Floats) -> pl.DataFrame:
        """Return a row for each forecast frame, with its errors where the truth is known."""
        return pl.DataFrame(tables.rows(model.encoder, samples, prediction))

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings of files that `predict` writes beside tables."""
        return files.ENDINGS

    def file(
        self, model: FramesModelOf, samples: Windows, prediction: Floats, ending: str
    ) -> bytes:
        """Return the forecast frames as a file of this kind."""
        return files.encoded(model.encoder, samples, prediction, ending)

    def sections(
        self, result: Result[FramesConfig, Windows, FrameEncoder, Floats]
    ) -> Sequence[Section]:
        """Return errors by frame, and strips of truth, forecast and difference."""
        from longshort.tasks.frames.sections import sections

        return sections(result)

    def details(self, model: FramesModelOf, scored: Scored[Windows, Floats]) -> dict[str, Any]:
        """Return the work of a window's forecast, in floating point operations."""
        del scored
        network = model.network
        if not hasattr(network, "flops"):
            return {}
        return {"flop": work(network, model.config, model.encoder)}
