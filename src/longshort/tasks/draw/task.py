"""Drawing: how likely each point of pen strokes is after those before it, and new drawings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.splits import Splits, make_splits
from longshort.data.strokes.ink import Ink, Inks, dots, mixed_scales
from longshort.data.strokes.reading import read_inks, read_parts
from longshort.errors import DataError, counted
from longshort.lazy import polars as pl
from longshort.metrics.bootstrap import compare_sums
from longshort.metrics.significance import Comparison
from longshort.runs.abilities import Stepper
from longshort.runs.pen import Pen
from longshort.runs.sample_task import SampleTask
from longshort.runs.task import Baseline, Encoded, Loss, Metric, Model, Scored, Scores, Track, Words
from longshort.runs.unused import unused_draw, unused_shares
from longshort.tasks.draw.config import Condition, DrawConfig
from longshort.tasks.draw.encoder import DrawArrays, DrawEncoder
from longshort.tasks.draw.inference import Likelihoods, drawings, likelihoods
from longshort.tasks.draw.steps import DrawSteps

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.tasks.draw.sections import DrawResult

DrawModelOf = Model[DrawConfig, DrawEncoder]
_BATCHES, _FEWEST, _MOST = 2_000, 3, 60
_LABELS, _EACH = 300, 5
"""Most labels, and fewest drawings of each on average, for labels that are one of several."""
_NORMALS = 20
"""Normals of the mixture without memory."""


class DrawTask(SampleTask[DrawConfig, Inks, DrawEncoder, Likelihoods]):
    """Drawing with recurrent layers below a mixture of normal distributions."""

    name: ClassVar[str] = "draw"
    unexplained: ClassVar[str] = (
        "a drawing is drawn by chance, point by point, and no one number of it is the answer; the "
        "report shows how probable drawings are, and what a label rests on is explained where they "
        "are recognised: longshort run FILE --task classify"
    )
    run_class = "longshort.api.drawer:DrawRun"
    Config = DrawConfig
    metrics = (
        Metric("nats_per_point", "nats per point", False, spoken="{} nats per point"),
        Metric("nats_of_offsets", "of offsets", False),
        Metric("nats_of_pen", "of the pen", False),
    )
    words = Words(
        model="drawing model",
        title="Drawing",
        samples="drawings",
        unit="points",
        usage="Use it with `longshort generate RUN --svg out.svg`.",
        scores="Nats per point: of the density of its offset, in units of the spread of offsets, "
        "and of the state of the pen. They compare models of the same data alone.",
        gain="nats saved per point",
        gain_form=".3f",
    )
    measure = "nats per point"

    # Data

    def read(self, data: object, config: DrawConfig) -> Inks:
        """Read pen strokes of any format, or return them as they are."""
        del config
        return _read(data)

    def read_splits(self, given: Mapping[str, object], config: DrawConfig) -> dict[str, Inks]:
        """Read each source; an archive with parts has all splits."""
        found = {name: self.read(data, config) for name, data in given.items() if name != "train"}
        first = given["train"]
        if isinstance(first, (str, Path)) and not found:
            return read_parts(Path(first))
        return {"train": self.read(first, config), **found}

    def split(self, given: Any, config: DrawConfig) -> Splits[Inks]:
        """Return the splits; drawn ones have the same shares of labels where these are told."""
        split, told = config.split, config.data.condition or _condition_of(given["train"])
        return make_splits(
            given,
            val=split.val,
            test=split.test,
            stratify=told == "label",
            seed=split.seed,
            groups=Inks.kept_together,
        )

    def check(self, splits: Splits[Inks], config: DrawConfig) -> list[Finding]:
        """Return findings: of unequal sizes, of single points, and of drawings that are cut."""
        found = [*splits.findings, *dots(splits.train)]
        found += mixed_scales(splits.train) if config.data.size is None else []
        longest = max(len(ink) for ink in splits.train.items)
        most = config.data.max_points
        if longest > most and config.data.simplify is None:
            long = sum(len(ink) > most for ink in splits.train.items)
            message = f"{splits.train.name}: {long:,} drawings have more than {most:,} points"
            fix = "their first points count; leave out points with data.simplify, or raise "
            found.append(Finding("long", "warning", message, (), f"{fix}data.max_points"))
        return found

    def resolve(self, config: DrawConfig, splits: Splits[Inks]) -> DrawConfig:
        """Decide what the network is told, and the epochs."""
        condition = config.data.condition or _condition_of(splits.train)
        batches = max(1, len(splits.train) // config.train.batch_size)
        epochs = config.train.max_epochs or min(_MOST, max(_FEWEST, round(_BATCHES / batches)))
        return config.model_copy(
            update={
                "data": config.data.model_copy(update={"condition": condition}),
                "train": config.train.model_copy(update={"max_epochs": epochs}),
            }
        )

    def longest(self, config: DrawConfig, splits: Splits[Inks]) -> int:
        """Return the points of the longest training drawing."""
        return min(config.data.max_points, max(len(ink) for ink in splits.train.items))

    def unused(self, config: DrawConfig, splits: Splits[Inks]) -> list[tuple[str, str]]:
        """Return the settings without effect on these data."""
        del splits
        data, found = config.data, [("data.encoding", "is of tables, and these are pen strokes")]
        files = data.val_path, data.test_path
        found += [*unused_shares(*files), *unused_draw(*files)]
        if data.condition != "text":
            found.append(("model.windows", "is of texts that are written, and none is told"))
        if data.condition == "nothing":
            found.append(("model.embedding", "is of labels and letters, and none are told"))
        return found

    # Encoder and network

    def fit_encoder(self, train: Inks, config: DrawConfig) -> DrawEncoder:
        """Fit grid, scale, and the labels or letters."""
        return DrawEncoder.fit(train, config)

    def store_encoder(self, encoder: DrawEncoder) -> dict[str, Any]:
        """Return the encoder as plain values."""
        return encoder.to_dict()

    def restore_encoder(self, stored: dict[str, Any], config: DrawConfig) -> DrawEncoder:
        """Restore the encoder from plain values."""
        del config
        return DrawEncoder.from_dict(stored)

    def encode(self, encoder: DrawEncoder, samples: Inks) -> DrawArrays:
        """Return offsets and states of the pen, and what is told of each drawing."""
        return encoder.encode(samples)

    def describe_encoded(
        self, encoder: DrawEncoder, encoded: Mapping[str, Encoded[Inks]]
    ) -> list[str]:
        """Describe the points of each split, and the scale of likelihoods."""
        lines = [
            f"{name}: {int(each.arrays.lengths.sum()):,} points, {each.arrays.lengths.max():,} at "
            "most"
            for name, each in encoded.items()
        ]
        return [*lines, _scale(encoder)]

    def build(self, config: DrawConfig, encoder: DrawEncoder) -> nn.Module:
        """Build the network for what is told."""
        from longshort.tasks.draw.network import Drawer, Writer

        if encoder.condition == "text":
            return Writer(config.model, len(encoder.known), encoder.pace)
        return Drawer(config.model, len(encoder.known))

    def loss(self, model: DrawModelOf, batch: Any) -> Loss:
        """Return the mean nats of all points."""
        from longshort.tasks.draw.network import nats_of

        nats = nats_of(model.network, batch)
        loss = (nats.points.sum() + nats.classes.sum()) / batch.real.sum()
        return Loss(loss, loss)

    def validate(self, model: DrawModelOf, val: Encoded[Inks]) -> float:
        """Return the mean nats per point."""
        return float(_sums(likelihoods(model, val.arrays))["nats_per_point"])

    def predict(self, model: DrawModelOf, arrays: DrawArrays) -> Likelihoods:
        """Return how likely drawings are."""
        return likelihoods(model, arrays)

    def rehearse(self, model: DrawModelOf, arrays: DrawArrays) -> None:
        """Read drawings, and draw one, and two side by side."""
        self.predict(model, arrays)
        encoder = model.encoder
        told = {"nothing": None, "label": encoder.known[:1], "text": encoder.known[:1]}
        named = told[encoder.condition]
        for count in (1, 2):
            drawings(model, Pen(count, told=None if named is None else named[0], most=2))

    def draw(self, model: DrawModelOf, how: Pen) -> list[Ink]:
        """Return new drawings in the data's unit."""
        return drawings(model, how)

    def stepper(self, model: DrawModelOf) -> Stepper:
        """Return what reads a drawing point by point."""
        return DrawSteps(model)

    # Scores

    def baselines(
        self,
        model: DrawModelOf,
        splits: Mapping[str, Encoded[Inks]],
        networks: Mapping[str, DrawModelOf],
        track: Track,
    ) -> dict[str, Baseline[Likelihoods]]:
        """Score autoregressions of order 2, and a mixture without memory."""
        from longshort.tasks.draw.baselines import autoregression, memoryless

        del model, networks
        train, test = splits["train"].arrays, splits["test"].arrays
        linear = autoregression(train, test)
        track("fitting mixtures", 0, 2)
        mixture = memoryless(train, test, _NORMALS)
        track("fitting mixtures", 1, 2)
        both = autoregression(train, test, _NORMALS)
        note = "is linear in the last two offsets, with normal errors, for each state of the pen"
        other = f"has {_NORMALS} normal distributions for each state of the pen"
        errors = f"is linear in the last two offsets, and its errors have {_NORMALS} normals"
        named = "the autoregression of order 2"
        return {
            "autoregression": Baseline(linear, named, note),
            "mixture": Baseline(mixture, "the mixture without memory", other),
            "linear_mixture": Baseline(both, f"{named} with a mixture of errors", errors),
        }

    def score(self, model: DrawModelOf, samples: Inks, prediction: Likelihoods) -> Scores:
        """Return nats per point, of offsets and of the pen too; the parts sum up to the whole.

        Of each drawing its nats per point and its points.
        """
        del model, samples
        rows = np.column_stack([prediction.each, prediction.points])
        return Scores(_sums(prediction), rows)

    def compare(self, scored: Scored[Inks, Likelihoods], one: str, other: str) -> Comparison:
        """Return the nats that are saved per point, by a paired bootstrap over drawings."""

        def saved(sums: NDArray[Any]) -> Any:
            return -sums[..., 0] / sums[..., 1]

        rows = (scored.scores[name].per_sample for name in (one, other))
        first, second = (np.column_stack([row[:, 0] * row[:, 1], row[:, 1]]) for row in rows)
        return compare_sums(first, second, saved)

    def facts(self, model: DrawModelOf, scored: Scored[Inks, Likelihoods]) -> dict[str, Any]:
        """Return the sizes of the test split, and the scale of likelihoods."""
        points = int(next(iter(scored.predictions.values())).points.sum())
        encoder = model.encoder
        scale = {"scale": encoder.scale, "grid": encoder.grid, "told": encoder.condition}
        return {"drawings": len(scored.samples), "points": points, **scale}

    def basis(self, model: DrawModelOf, scored: Scored[Inks, Likelihoods]) -> str:
        """Return the number of test drawings and points."""
        facts = self.facts(model, scored)
        return (
            f"{counted(facts['drawings'], 'test drawing')} of {counted(facts['points'], 'point')}"
        )

    # Output

    def table(self, model: DrawModelOf, samples: Inks, prediction: Likelihoods) -> pl.DataFrame:
        """Return a row per drawing: its points, and their nats."""
        del model
        columns: dict[str, Any] = {"place": samples.places}
        if samples.labels is not None:
            columns["label"] = samples.labels
        columns |= {
            "points": prediction.points.astype(np.int64),
            "nats_of_offsets": prediction.moves / prediction.points,
            "nats_of_pen": prediction.pens / prediction.points,
            "nats_per_point": prediction.each,
        }
        return pl.DataFrame(columns)

    def about(self, model: DrawModelOf, splits: Splits[Inks]) -> list[str]:
        """Describe the drawings, what the network is told, and the scale of likelihoods."""
        encoder = model.encoder
        told = f"is told {len(encoder.known):,} labels: {', '.join(encoder.known[:20])}"
        if encoder.condition != "label":
            letters = f"is told the text, in {len(encoder.known):,} letters"
            told = letters if encoder.condition == "text" else "is told nothing of a drawing"
        return [*super().about(model, splits), f"the network {told}", _scale(encoder)]

    def sections(self, result: DrawResult) -> Sequence[Section]:
        """Return the sections: drawings beside real ones, and what was expected least."""
        from longshort.tasks.draw.sections import sections

        return sections(result)


def _read(data: object) -> Inks:
    if isinstance(data, Inks):
        return data
    if isinstance(data, (str, Path)):
        return read_inks(Path(data))
    raise DataError(
        f"data: pen strokes are expected, a file or an `Inks`, got {type(data).__name__}"
    )


def _condition_of(train: Inks) -> Condition:
    """Return what is told by the labels: nothing where there are none, or as many as drawings."""
    if train.labels is None:
        return "nothing"
    counts = Counter(train.labels)
    is_of_several = 1 < len(counts) <= min(_LABELS, len(train) // _EACH)
    return "label" if is_of_several else "text" if len(counts) > 1 else "nothing"


def _sums(found: Likelihoods) -> dict[str, float]:
    points = float(found.points.sum())
    moves, pens = float(found.moves.sum()) / points, float(found.pens.sum()) / points
    return {"nats_per_point": moves + pens, "nats_of_offsets": moves, "nats_of_pen": pens}


def _scale(encoder: DrawEncoder) -> str:
    """Return the unit of densities, for people."""
    unit = "units of the data" if encoder.size is None else "sizes of a drawing"
    grid = f", points spread over a grid of {encoder.grid:g}" if encoder.grid else ""
    return f"likelihoods are of offsets in multiples of {encoder.scale:.4g} {unit}{grid}"
