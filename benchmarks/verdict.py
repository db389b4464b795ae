"""Audit of the verdict on data sets with a known truth.

    python benchmarks/verdict.py [--rows walk gaussian-3 …] [--jobs 2] [--go-on] [--quick]
    python benchmarks/verdict.py --simulate [--draws 200]

100 sets have no signal; in 60 a constant, a season, a linear rule, a covariate or a bag of n-grams
is the best; in 60 only memory or a nonlinear rule helps. Each is given to `ls.Forecaster` or
`ls.Classifier` as a user would, with the defaults. The true gain is measured on a large amount of
fresh data from the same process, over the same baselines and over the best rule of somebody who
knows the process. Reported are how often the network "earned its place", and how often wrongly,
with a true gain too small to count; how often it was found where it helps; and how often the
verdict's 95 % interval covers the true gain over the baseline that it names.

`--simulate` audits the interval of forecasts alone, on losses that need no training.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import multiprocessing
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import torch
from cells import cpu_model
from known_labels import LABELLED
from known_series import SERIES
from known_truth import Case, Labelled, Series
from simulated_losses import simulate

import longshort as ls
from longshort.errors import LongshortError
from longshort.runs.job import environment

RESULTS = Path(__file__).parent / "results" / "verdict.json"
GROUPS = {1: "no signal", 2: "a simple rule is best", 3: "memory or a nonlinear rule helps"}
NOTICE = 0.001
"""Smaller gains do not count for the verdict."""
REAL = 0.1
"""With this true gain, the audit counts a rule as learned."""
SHOWN = 30
Row = dict[str, Any]
Rows = Sequence[Row]


def cases() -> dict[str, Case]:
    return {case.name: case for family in (*SERIES, *LABELLED) for case in family.cases()}


def audited(case: Case) -> Row:
    """Return the verdict on one data set, and the truth."""
    begin, used = time.monotonic(), time.process_time()
    data = case.draw()
    row: Row = {"family": case.family.name, "group": case.family.group, "seed": case.seed}
    row |= {"settings": case.settings, "product": product()}
    audit = forecast_audit if isinstance(data, Series) else classify_audit
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row |= audit(case, data, Path(folder) / "run")  # type: ignore[arg-type]
    except LongshortError as error:
        row["error"] = str(error)
    row |= {"seconds": time.monotonic() - begin, "cpu_seconds": time.process_time() - used}
    return row


def forecast_audit(case: Case, data: Series, out: Path) -> Row:
    run = ls.Forecaster(**case.settings).fit(data.known, out=out, **data.roles)
    fresh = [run.evaluate(frame)["test"] for frame in data.fresh]
    key = loss_key(run.scores["metric"], run.scores["test"]["model"])
    losses = {
        name: statistics.fmean(scores_of(test, name)[key] for test in fresh)
        for name in ("model", *fresh[0]["baselines"])
    }
    own = statistics.fmean(test["model"].get(key.removeprefix("scaled_"), 0.0) for test in fresh)
    rule = data.rule.get(key.removeprefix("scaled_"))
    ours = losses.pop("model")
    gains = {name: 1 - ours / loss if loss > 0 else 0.0 for name, loss in losses.items()}
    return reported(run.scores) | truth(run.scores, gains, None if rule is None else 1 - own / rule)


def classify_audit(case: Case, data: Labelled, out: Path) -> Row:
    run = ls.Classifier(**case.settings).fit(data.items, data.labels, out=out)
    test = run.evaluate(data.fresh_items, data.fresh_labels)["test"]
    ours = test["model"]["accuracy"]
    gains = {name: ours - entry["accuracy"] for name, entry in test["baselines"].items()}
    return reported(run.scores) | truth(
        run.scores, gains, None if data.rule is None else ours - data.rule
    )


def scores_of(test: Mapping[str, Any], name: str) -> Mapping[str, float]:
    found: Mapping[str, float] = test["model"] if name == "model" else test["baselines"][name]
    return found


def loss_key(metric: str, scores: Mapping[str, Any]) -> str:
    """Return the key of the verdict's metric in the scores."""
    plain = metric.lower().removeprefix("scaled ").replace(" ", "_")
    return next(key for key in (f"scaled_{plain}", plain) if key in scores)


def best_baseline(scores: Mapping[str, Any]) -> str:
    return str(scores["best_baseline"])


def reported(scores: Mapping[str, Any]) -> Row:
    """Return what the verdict says."""
    keys = ("outcome", "gain", "gain_95", "metric", "verdict")
    found = {key: scores[key] for key in keys}
    return found | {
        "baseline": best_baseline(scores),
        "tested": scores.get("windows", scores.get("examples")),
        "best_epoch": scores["training"]["best_epoch"],
    }


def truth(scores: Mapping[str, Any], gains: dict[str, float], over_rule: float | None) -> Row:
    """Return the true gain over the named baseline, over each baseline, and over the best rule."""
    least = min(gains.values()) if over_rule is None else min(*gains.values(), over_rule)
    return {
        "true_gain": gains[best_baseline(scores)],
        "true_gains": gains,
        "over_rule": over_rule,
        "least_true_gain": least,
    }


# Summaries of rows.


def is_earned(row: Row) -> bool:
    return bool(row["outcome"] == "better")


def is_false(row: Row) -> bool:
    """Whether the verdict is "earned its place" although a simple rule is as good."""
    return is_earned(row) and row["least_true_gain"] < NOTICE


def has_interval(row: Row) -> bool:
    return row["gain_95"][0] is not None


def side(row: Row) -> int:
    """Return 0 if the interval covers the true gain, -1 if it lies below it, 1 if above."""
    low, high = row["gain_95"]
    return -1 if high < row["true_gain"] else 1 if low > row["true_gain"] else 0


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson, 1927)."""
    if not count:
        return 0.0, 1.0
    z2 = 1.959964**2
    middle = (hits + z2 / 2) / (count + z2)
    reach = math.sqrt(z2 * (hits * (count - hits) / count + z2 / 4)) / (count + z2)
    return middle - reach, middle + reach


def share(rows: Rows, test: Callable[[Row], bool]) -> Row:
    hits = sum(map(test, rows))
    found: Row = {"hits": hits, "of": len(rows)}
    return found | {"share": hits / len(rows) if rows else None, "95": wilson(hits, len(rows))}


def summary(rows: Rows) -> Row:
    """Return shares of some rows; those that ended with an error are not counted."""
    good = [row for row in rows if "error" not in row]
    bounded = [row for row in good if has_interval(row)]
    return {
        "sets": len(rows),
        "errors": len(rows) - len(good),
        "earned": share(good, is_earned),
        "false": share(good, is_false),
        "learned": share(good, lambda row: row["least_true_gain"] >= REAL),
        "covered": share(bounded, lambda row: side(row) == 0),
        "below_truth": share(bounded, lambda row: side(row) < 0),
        "above_truth": share(bounded, lambda row: side(row) > 0),
        "minutes": sum(row["cpu_seconds"] for row in rows) / 60,
    }


def summaries(rows: Rows) -> dict[str, Row]:
    """Return summaries of all rows, of the groups, and of the families."""

    def where(key: str, *values: Any) -> list[Row]:
        return [row for row in rows if row[key] in values]

    families = dict.fromkeys(row["family"] for row in rows)
    parts = {
        "all": list(rows),
        "groups 1 and 2": where("group", 1, 2),
        **{f"group {group}": where("group", group) for group in GROUPS},
        **{name: where("family", name) for name in families},
    }
    return {name: summary(part) for name, part in parts.items() if part}


def goals(found: Mapping[str, Row]) -> Iterator[str]:
    """Yield each goal, and whether it is met."""
    checks = (
        ("earned without a cause in groups 1 and 2", "groups 1 and 2", "false", 0.0, 0.02),
        ("earned at all in groups 1 and 2", "groups 1 and 2", "earned", 0.0, 0.02),
        ("found in group 3", "group 3", "earned", 0.8, 1.0),
        ("intervals that cover the true gain", "all", "covered", 0.93, 0.97),
    )
    for title, part, key, least, most in checks:
        if part in found and found[part][key]["of"]:
            value = found[part][key]
            is_met = "met" if least <= value["share"] <= most else "not met"
            yield f"{title}: {percent(value)}, goal {least:.0%} to {most:.0%}: {is_met}"


def percent(value: Row) -> str:
    if value["share"] is None:
        return "-"
    low, high = value["95"]
    return f"{value['hits']}/{value['of']} {value['share']:.1%} [{low:.1%}, {high:.1%}]"


def show(rows: Rows) -> None:
    found = summaries(rows)
    titles = ("earned", "false", "learned", "covered", "below_truth", "above_truth")
    print(f"\n{'':20}{'sets':>5}" + "".join(f"{title:>13}" for title in titles) + f"{'min':>6}")
    for name, part in found.items():
        cells = "".join(f"{part[key]['hits']:>7} of{part[key]['of']:>4}" for key in titles)
        print(f"{name:20}{part['sets']:>5}{cells}{part['minutes']:>6.1f}")
    print("", *goals(found), sep="\n")
    for title, some in worst(rows).items():
        print(f"\n{title}: {len(some)}", *(line(row) for row in some[:SHOWN]), sep="\n  ")


def worst(rows: Rows) -> dict[str, list[Row]]:
    """Return the rows to look at, the worst first."""
    good = [row for row in rows if "error" not in row]
    missed = [row for row in good if has_interval(row) and side(row)]
    unseen = [row for row in good if row["group"] == 3 and not is_earned(row)]
    return {
        "errors": [row for row in rows if "error" in row],
        "earned without a cause": sorted(
            filter(is_false, good), key=lambda r: r["least_true_gain"]
        ),
        "not found": sorted(unseen, key=lambda r: -r["true_gain"]),
        "interval misses the truth": sorted(missed, key=lambda r: -outside(r)),
    }


def outside(row: Row) -> float:
    """Return the distance of the true gain from the interval, in widths of the interval."""
    low, high = row["gain_95"]
    distance = max(low - row["true_gain"], row["true_gain"] - high)
    return float(distance / (high - low)) if high > low else math.inf


def line(row: Row) -> str:
    if "error" in row:
        return f"{row['name']:22} {row['settings']} {row['error'][:200]}"
    span = "none" if not has_interval(row) else "{:+.1%} to {:+.1%}".format(*row["gain_95"])
    rule = "" if row["over_rule"] is None else f", over the best rule {row['over_rule']:+.1%}"
    return (
        f"{row['name']:22} {row['outcome']:8} gain {row['gain']:+7.1%} ({span}), "
        f"true {row['true_gain']:+.1%} over {row['baseline']}, least {row['least_true_gain']:+.1%}"
        f"{rule}; {row['settings'] or 'defaults'}; {row['cpu_seconds']:.0f} s"
    )


# Running.


def product() -> str:
    """Return a digest of the package's code, so that rows of two versions are not mixed."""
    package = Path(ls.__file__).parent
    total = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:12]


def one_thread() -> None:
    torch.set_num_threads(1)


def run_all(names: Sequence[str], jobs: int, keep: Callable[[str, Row], None]) -> None:
    known = cases()
    context = multiprocessing.get_context("spawn")
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with ProcessPoolExecutor(jobs, context, initializer=one_thread) as pool:
        futures = {pool.submit(audited, known[name]): name for name in names}
        for future in as_completed(futures):
            keep(futures[future], future.result())


def chosen_names(wanted: Sequence[str], quick: bool) -> list[str]:
    """Return sets by name or by family, interleaved, so that early results have some of each."""
    known = cases()
    names = [
        name
        for name, case in known.items()
        if not wanted or name in wanted or case.family.name in wanted
    ]
    found = set(names) | {known[name].family.name for name in names}
    unknown = [name for name in wanted if name not in found]
    if unknown:
        raise SystemExit(f"--rows: no such set or family: {', '.join(unknown)}")
    names.sort(key=lambda name: known[name].number)
    return [name for name in names if known[name].number == 0] if quick else names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", nargs="+", default=[], help="sets or families")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="the first set of every family")
    parser.add_argument("--go-on", action="store_true", help="keep rows of the same product")
    parser.add_argument("--show", action="store_true", help="print what --out has, run nothing")
    parser.add_argument("--simulate", action="store_true", help="the interval alone")
    parser.add_argument("--draws", type=int, default=200, help="of each simulated scenario")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    results: dict[str, Any] = {"rows": {}}
    if chosen.out.is_file():
        results |= json.loads(chosen.out.read_text())
    rows: dict[str, Row] = results["rows"]
    names = chosen_names(chosen.rows, chosen.quick)
    if chosen.go_on:
        names = [name for name in names if rows.get(name, {}).get("product") != product()]

    def write() -> None:
        chosen.out.parent.mkdir(exist_ok=True)
        chosen.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")

    def keep(name: str, row: Row) -> None:
        rows[name] = {"name": name, **row}
        results["environment"] = about(chosen.jobs)
        results["summary"] = summaries(list(rows.values()))
        write()
        print(line(rows[name]), flush=True)

    if chosen.simulate:
        results["simulation"] = {"environment": about(1), "rows": []}
        for row in simulate(chosen.draws):
            results["simulation"]["rows"].append(row)
            print(simulated(row), flush=True)
        write()
        return
    if not chosen.show:
        run_all(names, chosen.jobs, keep)
    show(list(rows.values()))


def simulated(row: Row) -> str:
    return (
        f"{row['name']:52} covered {row['covered']:.1%}, below {row['below_truth']:.1%}, above "
        f"{row['above_truth']:.1%}, width {row['median_width']:.3f}, true gain "
        f"{row['median_true_gain']:+.3f}, earned without a cause {row['false']:.1%}"
    )


def about(jobs: int) -> dict[str, Any]:
    return environment() | {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "jobs": jobs,
        "product": product(),
        "date": time.strftime("%Y-%m-%d"),
    }


if __name__ == "__main__":
    main()
