"""Anomalies in public series: our detector beside baselines that see and smooth the same.

    LONGSHORT_DATA=FOLDER python benchmarks/anomaly.py [--parts univariate clean] [--show]

univariate: 21 SMAP and MSL series and 14 of NAB that TSB-AD has too, with its clean prefixes.
Scores over the whole series, by VUS-PR with TSB-AD's period as the window; once smoothed over both
sides (archive), once over the past alone (stream). Published means stand beside them.
telemanom: all 82 SMAP and MSL channels with their own training parts; events found, missed and
false by the dynamic threshold and the span of its authors, which no label has set here; baselines
that forecast nothing have the threshold by rate.
clean: simulated series without any anomaly; alarms against the wished rate.

Every setting is the default. Rules were chosen on every other univariate series; the halves are
printed apart. Results and the environment go to benchmarks/results/anomaly.json.
"""

from __future__ import annotations

import argparse
import ast
import csv
import io
import json
import os
import statistics
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from longshort.metrics.detection import EventCounts, event_counts, events_of
from longshort.metrics.period import period_of
from longshort.metrics.volumes import vus_pr
from longshort.runs import story
from longshort.runs.job import Job, environment
from longshort.runs.task import quiet, untracked
from longshort.tasks.anomaly.alarms import Alarms
from longshort.train.events import silent

RESULTS = Path(__file__).parent / "results" / "anomaly.json"
PUBLISHED = ("POLY", "Sub-PCA", "KMeansAD", "MatrixProfile", "CNN", "LSTMAD", "TimesFM")
CLEAN = ((100_000, 100_000, 1000), (25_000, 50_000, 1000), (5_000, 50_000, 1000))
"""Clean series: normal steps, steps to search, and in how many one false alarm is wished."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Case:
    """A labelled series: values [T, C], the first of them watched; normal: rows of its prefix."""

    name: str
    kind: str
    values: Floats
    labels: Flags
    normal: int
    published: dict[str, float]


def files(path: Path, suffix: str) -> dict[str, bytes]:
    """The files of an archive whose names end so, by their place in it."""
    with tarfile.open(path) as archive:
        members = [each for each in archive if each.isfile() and each.name.endswith(suffix)]
        return {each.name.removeprefix("./"): archive.extractfile(each).read() for each in members}


def univariate(data: Path) -> Iterator[Case]:
    """The series of TSB-AD that are here, but those whose labels differ from its own."""
    nab = files(data / "nab" / "nab_data_labels.tar.gz", "")
    windows = json.loads(next(v for k, v in nab.items() if k.endswith("combined_windows.json")))
    space = files(data / "smap_msl" / "smap_msl_npy.tar.gz", ".npy")
    marks = anomalies(data)
    for row in csv.reader((data / "tsbad_map.csv").open()):
        if row[0] != "uni" or not row[7] or "?" in row[7] or "|" in row[7]:
            continue
        steps, normal, labelled, name = int(row[2]), int(row[3]), int(row[5]), row[7]
        if name.endswith(".csv"):
            kind = "NAB"
            file = next(v for k, v in nab.items() if k.endswith(name))
            values, labels = of_nab(file, windows[name])
        else:
            kind = "SMAP" if "SMAP" in row[1] else "MSL"
            values = np.load(io.BytesIO(space[f"test/{name}.npy"]))[:, :1]
            labels = marked(len(values), marks[name])
        if len(values) == steps and abs(int(labels.sum()) - labelled) <= 8:
            numbers = dict(part.split("=") for part in row[8:])
            found = {key: float(value) for key, value in numbers.items()}
            yield Case(name, kind, values.astype(float), labels, normal, found)


def of_nab(file: bytes, windows: list[list[str]]) -> tuple[Floats, Flags]:
    """Values and labels without the first row, as TSB-AD has them."""
    rows = list(csv.reader(io.StringIO(file.decode())))[1:]
    stamps = np.array([row[0][:19] for row in rows])
    labels = np.zeros(len(rows), bool)
    for first, last in windows:
        labels |= (stamps >= first[:19]) & (stamps <= last[:19])
    return np.array([[float(row[1])] for row in rows])[1:], labels[1:]


def anomalies(data: Path) -> dict[str, list[list[int]]]:
    """First and last step of every labelled anomaly, by channel."""
    found = files(data / "smap_msl" / "telemanom_labels_results.tar.gz", "labeled_anomalies.csv")
    rows = csv.DictReader(io.StringIO(next(iter(found.values())).decode()))
    return {row["chan_id"]: ast.literal_eval(row["anomaly_sequences"]) for row in rows}


def marked(steps: int, anomalies: list[list[int]]) -> Flags:
    """1 at every step of these anomalies."""
    labels = np.zeros(steps, bool)
    for first, last in anomalies:
        labels[first : last + 1] = True
    return labels


def telemanom(data: Path) -> Iterator[Case]:
    """Channels with their training parts before them; the commands are covariates."""
    space = files(data / "smap_msl" / "smap_msl_npy.tar.gz", ".npy")
    for name, marks in sorted(anomalies(data).items()):
        if f"train/{name}.npy" not in space:
            continue
        train, test = (np.load(io.BytesIO(space[f"{p}/{name}.npy"])) for p in ("train", "test"))
        labels = np.concatenate([np.zeros(len(train), bool), marked(len(test), marks)])
        kind = "SMAP" if train.shape[1] == 25 else "MSL"
        values = np.concatenate([train, test]).astype(float)
        yield Case(name, kind, values, labels, len(train), {})


def clean(seed: int, normal: int, searched: int) -> Case:
    """A season and noise that remembers: steps to search after some that are taken for normal."""
    draw = np.random.default_rng(seed)
    steps, period = normal + searched, int(draw.integers(20, 60))
    noise = np.zeros(steps)
    memory = draw.uniform(0, 0.8)
    for t, shock in enumerate(draw.normal(size=steps)):
        noise[t] = memory * noise[t - 1] + shock if t else shock
    values = draw.uniform(0, 3) * np.sin(2 * np.pi * np.arange(steps) / period) + noise
    return Case(f"clean {seed}", "clean", values[:, None], np.zeros(steps, bool), normal, {})


@dataclass(frozen=True)
class Found:
    """Alarms of all rows by detector, and the processor seconds that the model took."""

    alarms: dict[str, Alarms]
    seconds: float
    error: dict[str, float]


def detect(case: Case, settings: dict[str, Any], beside: bool = True) -> dict[str, Found]:
    """Train on a case's prefix; alarms with smoothing over both sides, and over the past alone.

    beside: with those of the baselines.
    """
    names = [f"c{i}" for i in range(case.values.shape[1])]
    frame = pl.DataFrame(case.values, schema=names).with_columns(
        anomaly=pl.Series(case.labels.astype(int))
    )
    told = {
        "task": "anomaly",
        "data": {"target": [names[0]], "past": names[1:], "labels": "anomaly"},
        "split": {"normal": case.normal},
        **settings,
    }
    begun = time.process_time()
    prepared = story.prepare(told, frame)
    job = Job(prepared, quiet)
    job.train(None, silent, resume=False)
    trained = time.process_time() - begun
    found = {}
    for name, causal in (("archive", False), ("stream", True)):
        begun = time.process_time()
        alarm = prepared.config.alarm.model_copy(update={"causal": causal})
        config = prepared.config.model_copy(update={"alarm": alarm})
        job.model = replace(job.model, config=config)
        job.fit_rest(quiet, untracked)
        arrays = job.encoded["test"].arrays
        own = job.task.predict(job.model, arrays)
        seconds = trained + time.process_time() - begun
        others = job.task.baselines(job.model, job.encoded, {}, untracked) if beside else {}
        alarms = {"LSTM": own} | {k: b.prediction for k, b in others.items()}
        truth = arrays.values
        error = {
            k: float(np.nanmean(np.abs(a.expected - truth)[case.normal :]))
            for k, a in alarms.items()
            if a.expected is not None
        }
        found[name] = Found(alarms, seconds, error)
    return found


def of_univariate(data: Path, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """VUS-PR of every detector on every series, in both ways of smoothing."""
    rows = []
    for case in univariate(data):
        found = detect(case, settings)
        window = period_of(case.values[:, 0])
        row: dict[str, Any] = {"series": case.name, "kind": case.kind, "published": case.published}
        for name, each in found.items():
            row[name] = {
                k: round(vus_pr(case.labels, np.nan_to_num(a.score), window), 4)
                for k, a in each.alarms.items()
            }
            row[f"{name}_error"] = each.error
        row["seconds"] = round(found["archive"].seconds, 2)
        rows.append(row)
        print(case.name, row["archive"]["LSTM"], row["archive"]["autoregression"],
              row["seconds"], flush=True)  # fmt: skip
    return rows


def of_telemanom(data: Path, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Events of every channel, by the dynamic threshold."""
    rows = []
    told = {**settings, "alarm": {"threshold": "telemanom", "smoothing": 105}}
    for case in telemanom(data):
        found = detect(case, told)
        row: dict[str, Any] = {"channel": case.name, "kind": case.kind}
        for name, each in found.items():
            row[name] = {}
            for key, alarms in each.alarms.items():
                counts = event_counts(case.labels[case.normal :], alarms.flagged[case.normal :])
                share = float(alarms.flagged[case.normal :].mean())
                row[name][key] = [counts.found, counts.missed, counts.false_alarms, share]
        row["seconds"] = round(found["archive"].seconds, 2)
        rows.append(row)
        print(case.name, row["archive"]["LSTM"], row["archive"]["autoregression"],
              row["seconds"], flush=True)  # fmt: skip
    return rows


def of_clean(settings: dict[str, Any], count: int = 40) -> list[dict[str, Any]]:
    """Alarms over wished alarms, on series without anomalies.

    Of the normal rows, 40 % set the threshold; in the first kind they hold 40 of the wished alarms,
    in the others fewer, so that the threshold has to be extrapolated.
    """
    rows = []
    for normal, searched, wish in CLEAN:
        told = {**settings, "alarm": {"false_alarms": f"1/{wish}"}}
        for seed in range(count):
            case = clean(seed, normal, searched)
            row: dict[str, Any] = {"series": case.name, "in_calibration": 0.4 * normal / wish}
            for name, each in detect(case, told, beside=False).items():
                own = each.alarms["LSTM"]
                events = events_of(own.flagged[normal:])
                row[name] = len(events) / (searched / wish)
            rows.append(row)
            print(case.name, normal, row["archive"], row["stream"], flush=True)
    return rows


def show(results: dict[str, Any]) -> None:
    """Tables of what was found."""
    if "univariate" in results:
        _show_univariate(results["univariate"])
    if "telemanom" in results:
        _show_telemanom(results["telemanom"])
    if "clean" in results:
        _show_clean(results["clean"])


def _show_univariate(rows: list[dict[str, Any]]) -> None:
    groups = {"SMAP + MSL": ("SMAP", "MSL"), "NAB": ("NAB",)}
    for title, kinds in groups.items():
        some = [row for row in rows if row["kind"] in kinds]
        print(f"\n{title}: {len(some)} series, mean VUS-PR (series 1, 3, …; series 2, 4, …)")
        for name in ("archive", "stream"):
            for key in some[0][name]:
                values = [row[name][key] for row in some]
                halves = [statistics.mean(values[k::2]) for k in (0, 1)]
                print(f"  {name:8} {key:20} {statistics.mean(values):.3f} "
                      f"({halves[0]:.3f}; {halves[1]:.3f})")  # fmt: skip
        for key in PUBLISHED:
            values = [row["published"][key] for row in some if key in row["published"]]
            print(f"  published {key:20} {statistics.mean(values):.3f}")
        print(f"  seconds a series, median: {statistics.median(r['seconds'] for r in some):.1f}, "
              f"most: {max(r['seconds'] for r in some):.1f}")  # fmt: skip


def _show_clean(rows: list[dict[str, Any]]) -> None:
    print("\nclean series: alarms over wished alarms")
    for count in sorted({row["in_calibration"] for row in rows}, reverse=True):
        for name in ("archive", "stream"):
            ratios = [row[name] for row in rows if row["in_calibration"] == count]
            shares = [statistics.mean(1 / f <= r <= f for r in ratios) for f in (1.5, 3)]
            print(f"  {name:8} {count:4.0f} wished alarms in the calibration: mean "
                  f"{statistics.mean(ratios):.2f}, median {statistics.median(ratios):.2f}, within "
                  f"a factor 1.5: {shares[0]:.0%}, 3: {shares[1]:.0%}")  # fmt: skip


def _show_telemanom(rows: list[dict[str, Any]]) -> None:
    for kind in ("SMAP", "MSL"):
        some = [row for row in rows if row["kind"] == kind]
        print(f"\n{kind}: {len(some)} channels, events")
        for name in ("archive", "stream"):
            for key in some[0][name]:
                counts = sum(
                    (EventCounts(*row[name][key][:3]) for row in some), EventCounts(0, 0, 0)
                )
                share = statistics.mean(row[name][key][3] for row in some)
                print(f"  {name:8} {key:20} F1 {counts.f1:.3f} P {counts.precision:.3f} "
                      f"R {counts.recall:.3f}, flagged {share:.1%}")  # fmt: skip


def main() -> None:
    """Run what is asked for, keep the rest of the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", default=["univariate", "telemanom", "clean"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--set", type=json.loads, default={}, help="settings as JSON, for trials")
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    results = json.loads(chosen.out.read_text()) if chosen.out.is_file() else {}
    if not chosen.show:
        data = Path(os.environ["LONGSHORT_DATA"])
        makers: dict[str, Any] = {
            "univariate": lambda: of_univariate(data, chosen.set),
            "telemanom": lambda: of_telemanom(data, chosen.set),
            "clean": lambda: of_clean(chosen.set),
        }
        for part in chosen.parts:
            results[part] = makers[part]()
            results["environment"] = environment()
            chosen.out.write_text(json.dumps(results, indent=1) + "\n")
    show(results)


if __name__ == "__main__":
    main()
