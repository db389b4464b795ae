"""Which of two letters came first? A whole task, and a cell, in a package of their own.

A sample is a line "xxBxxAxx<TAB>B": among other letters stands an A and a B, and the label is the
one that stands first. `longshort run FILE --task first` trains, compares and reports.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import torch
from pydantic import Field
from torch import nn

import longshort as ls
from longshort.cells import Cell, State, Vector
from longshort.config.cell import CellSettings
from longshort.config.sequences import HoldoutConfig
from longshort.config.training import BaseConfig, SourceConfig, TrainConfig
from longshort.data.findings import Finding
from longshort.data.padding import pad_numbers
from longshort.errors import DataError
from longshort.nn.chosen import chosen_cell
from longshort.runs.batches import on_device
from longshort.runs.task import Baseline, Loss, Metric, Model, SampleTask, Scores, Words


class FirstModel(CellSettings):
    hidden: int = Field(16, ge=1, description="units of the recurrent layer")


class FirstTrain(TrainConfig):
    max_epochs: int = Field(10, ge=1, description="passes over the training split")
    batch_size: int = Field(32, ge=1, description="lines that are learned together")
    learning_rate: float = Field(0.02, gt=0, description="of the optimizer, at its highest")


class FirstConfig(BaseConfig):
    task: str = "first"
    data: SourceConfig = SourceConfig()
    split: HoldoutConfig = HoldoutConfig()
    model: FirstModel = FirstModel()
    train: FirstTrain = FirstTrain()


@dataclass(frozen=True)
class Lines:
    name: str
    texts: list[str]
    labels: list[str] | None
    places: list[str]
    path: str | None = None
    sha256: str | None = None
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, indices) -> Lines:
        texts, places = ([each[i] for i in indices] for each in (self.texts, self.places))
        return replace(self, texts=texts, labels=[self.labels[i] for i in indices], places=places)

    def keys(self) -> list[bytes]:
        return [text.encode() for text in self.texts]

    def digest(self) -> str:
        return hashlib.sha256(repr((self.texts, self.labels)).encode()).hexdigest()


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


class FirstTask(SampleTask[FirstConfig, Lines, str, np.ndarray]):
    """A prediction is the probability that B came first, [n]; the encoder is the alphabet."""

    name, Config, measure = "first", FirstConfig, "cross entropy"
    metrics = (Metric("accuracy", "accuracy", number="{:.1%}", spoken="{} right"),)
    words = Words("judge", "Which came first", "lines", "letters", "`longshort predict RUN --data FILE`")

    def read(self, data, config: FirstConfig) -> Lines:
        rows = [line.split("\t") for line in Path(data).read_text().splitlines()]
        for number, row in enumerate(rows, 1):
            if len(row) != 2 or row[1] not in ("A", "B"):
                raise DataError(f"{data}: line {number}: letters, a tab, and A or B are expected")
        places = [f"line {number}" for number in range(1, len(rows) + 1)]
        return Lines(Path(data).name, [r[0] for r in rows], [r[1] for r in rows], places, str(data))

    def check(self, splits, config) -> list[Finding]:
        return list(splits.findings)

    def fit_encoder(self, train: Lines, config) -> str:
        return "".join(sorted(set("".join(train.texts))))

    def store_encoder(self, encoder: str) -> dict[str, object]:
        return {"letters": encoder}

    def restore_encoder(self, stored, config) -> str:
        return str(stored["letters"])

    def encode(self, encoder: str, samples: Lines) -> Numbers:
        rows = [[encoder.find(letter) + 1 for letter in text] for text in samples.texts]
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

    def score(self, model: Model, samples: Lines, prediction: np.ndarray) -> Scores:
        wrong = (prediction > 0.5) != np.array([label == "B" for label in samples.labels])
        return Scores({"accuracy": float(1 - wrong.mean())}, wrong.astype(float))

    def table(self, model: Model, samples: Lines, prediction: np.ndarray) -> pl.DataFrame:
        first = np.where(prediction > 0.5, "B", "A")
        return pl.DataFrame({"place": samples.places, "label": samples.labels, "first": first})


@dataclass(frozen=True)
class Leaky(Cell):
    """A state that leaks: h' = a ⊙ h + (1 - a) ⊙ tanh(W x + U h + b)."""

    source = "an example"

    def states(self):
        return ("h",)
