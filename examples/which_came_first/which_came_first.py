"""Which of two letters came first? A task and a cell in a package of their own.

A sample is a line "xxBxxAxx<TAB>B": a text with one A and one B among other letters, labelled with
the one that comes first. `longshort run FILE --task first` trains, compares and reports.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from pydantic import Field
from torch import nn

import longshort as ls
from longshort.cells import Cell, State
from longshort.config.cell import CellSettings
from longshort.config.sequences import HoldoutConfig, SequenceData
from longshort.config.training import BaseConfig, TrainConfig
from longshort.data.findings import Finding
from longshort.data.labelled import Examples
from longshort.data.labelled_source import read_examples
from longshort.data.padding import pad_numbers
from longshort.engine.ops import tanh
from longshort.errors import DataError
from longshort.runs.batches import on_device
from longshort.runs.cell import chosen_cell
from longshort.runs.sample_task import SampleTask
from longshort.runs.task import Baseline, Loss, Metric, Model, Scores, Words


class FirstModel(CellSettings):
    hidden: int = Field(16, ge=1, description="units of the recurrent layer")


class FirstConfig(BaseConfig):
    task: str = "first"
    data: SequenceData = SequenceData()
    split: HoldoutConfig = HoldoutConfig()
    model: FirstModel = FirstModel()
    train: TrainConfig = TrainConfig(max_epochs=10, batch_size=32, learning_rate=0.02)


@dataclass(frozen=True)
class Batch:
    letters: object
    lengths: object
    targets: object


@dataclass(frozen=True)
class Numbers:
    rows: list[list[int]]
    targets: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        return np.array([len(row) for row in self.rows], dtype=np.int64)

    def batch(self, numbers: np.ndarray) -> Batch:
        letters, lengths = pad_numbers([self.rows[i] for i in numbers])
        return Batch(letters, lengths, self.targets[numbers])


class Network(nn.Module):
    def __init__(self, model: FirstModel, letters: int) -> None:
        super().__init__()
        self.letters = nn.Embedding(letters + 1, 8)
        self.layers = ls.nn.Recurrent(chosen_cell(model), 8, model.hidden)
        self.head = nn.Linear(model.hidden, 1)

    def forward(self, batch: Batch) -> torch.Tensor:
        _, state = self.layers(self.letters(batch.letters), lengths=batch.lengths)
        return self.head((state[0] if isinstance(state, tuple) else state)[-1]).squeeze(1)


class FirstTask(SampleTask[FirstConfig, Examples, str, np.ndarray]):
    """Predicts the probability [n] that B came first; the encoder is the alphabet."""

    name, Config, measure = "first", FirstConfig, "cross entropy"
    metrics = (Metric("accuracy", "accuracy", number="{:.1%}", spoken="{} right"),)
    words = Words(
        "judge", "Which came first", "lines", "letters", "See `longshort predict --help`."
    )

    def read(self, data, config: FirstConfig) -> Examples:
        found = read_examples(data, config.data)
        if not found.is_text or not set(found.labels or []) <= {"A", "B"}:
            raise DataError(f"{found.name}: texts are expected, and the label A or B with each")
        return found

    def check(self, splits, config) -> list[Finding]:
        return list(splits.findings)

    def fit_encoder(self, train: Examples, config) -> str:
        return "".join(sorted(set("".join(train.items))))

    def store_encoder(self, encoder: str) -> dict[str, object]:
        return {"letters": encoder}

    def restore_encoder(self, stored, config) -> str:
        return str(stored["letters"])

    def encode(self, encoder: str, samples: Examples) -> Numbers:
        rows = [[encoder.find(letter) + 1 for letter in text] for text in samples.items]
        return Numbers(rows, np.array([label == "B" for label in samples.labels], np.float32))

    def build(self, config: FirstConfig, encoder: str) -> nn.Module:
        return Network(config.model, len(encoder))

    def loss(self, model: Model, batch: Batch) -> Loss:
        loss = nn.functional.binary_cross_entropy_with_logits(model.network(batch), batch.targets)
        return Loss(loss, loss)

    def validate(self, model: Model, val) -> float:
        p = np.clip(self.predict(model, val.arrays), 1e-6, 1 - 1e-6)
        return float(-np.log(np.where(val.arrays.targets > 0, p, 1 - p)).mean())

    @torch.no_grad()
    def predict(self, model: Model, arrays: Numbers) -> np.ndarray:
        model.network.eval()
        batch = on_device(arrays.batch(np.arange(len(arrays.rows))), model.device)
        return model.network(batch).sigmoid().cpu().numpy()

    def baselines(self, model: Model, splits, networks, track) -> dict[str, Baseline]:
        share = splits["train"].arrays.targets.mean()
        majority = np.full(len(splits["test"].samples), share)
        return {"majority": Baseline(majority, "always the more frequent letter")}

    def score(self, model: Model, samples: Examples, prediction: np.ndarray) -> Scores:
        wrong = (prediction > 0.5) != np.array([label == "B" for label in samples.labels])
        return Scores({"accuracy": float(1 - wrong.mean())}, wrong.astype(float))

    def table(self, model: Model, samples: Examples, prediction: np.ndarray) -> pl.DataFrame:
        first = np.where(prediction > 0.5, "B", "A")
        return pl.DataFrame({"place": samples.places, "label": samples.labels, "first": first})


class Leaky(Cell):
    """A state that halves at every step: h = h₋ / 2 + tanh(W x + R h₋ + b) / 2."""

    gates = ("h",)

    def step(self, x, s, p):
        h = 0.5 * s.h + 0.5 * tanh(p.ih(x) + p.hh(s.h))
        return h, State(h=h)
