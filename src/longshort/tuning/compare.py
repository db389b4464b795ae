"""Compare cells, or values of any setting, so that the answer can be trusted.

All alternatives have networks of equal parameters, equal numbers of updates and a learning rate
tuned for each, and are trained on the same pairs: draws of all sources of chance at once. What
decides is the test split, which nothing has looked at before; see docs/compare.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from longshort.config import TrainConfig, read_back
from longshort.errors import ConfigError, Interrupted, RunError
from longshort.runfolder import RunFolder
from longshort.runs import prepare
from longshort.runs.job import environment
from longshort.runs.lookup import AnyTask
from longshort.runs.story import task_of
from longshort.runs.task import Metric, Say, quiet
from longshort.train.events import Listener, Working, silent
from longshort.tuning.compare_cost import Cost, cost_of, sized
from longshort.tuning.compare_plan import Arm, How, Pair, described, pairs_of, rates_of, size_key
from longshort.tuning.compare_price import Price
from longshort.tuning.compare_result import result_of
from longshort.tuning.compare_trainings import (
    EPOCHS,
    SEED,
    SPLIT_SEED,
    Grounds,
    Record,
    Trainings,
    read_longer,
)

PLAN, RESULT, PAGE, TRAININGS = "plan.json", "compare.json", "compare.html", "trainings"
_VERSION = 1


@dataclass(frozen=True)
class Plan:
    """A comparison before its trainings: everything is decided, and checked."""

    task: AnyTask
    metric: Metric
    """The deciding metric."""
    grounds: Grounds
    how: How
    arms: tuple[Arm, ...]
    """Alternatives with all their settings: their size, batches and epochs too."""
    costs: dict[str, Cost]
    pairs: list[Pair]
    rates: tuple[float, ...]
    epochs: int
    record: dict[str, Any]
    """What must be the same to go on in a folder."""

    @property
    def tuning_epochs(self) -> int:
        """Epochs of a training that tries a learning rate."""
        return max(1, round(self.how.tune_share * self.epochs))

    @property
    def trainings(self) -> tuple[int, int]:
        """Numbers of whole trainings, and of short ones that try a learning rate."""
        tuned = 1 if self.how.tune_once else len(self.pairs)
        tries = len(self.rates) if len(self.rates) > 1 else 0
        return len(self.arms) * len(self.pairs), len(self.arms) * tuned * tries


def compare(
    settings: Mapping[str, Any],
    arms: Sequence[Arm],
    out: Path,
    *,
    how: How | None = None,
    data: object = None,
    say: Say = quiet,
    listen: Listener = silent,
) -> dict[str, Any]:
    """Compare alternatives, into the folder `out`; returns the content of `compare.json`.

    settings: nested settings of the task, which all alternatives share. data: a file, a frame,
    samples, or None for the file that the settings name. A folder of the same comparison goes on
    where it was stopped. Raises `ConfigError` and `DataError` before `out` is touched, and
    `RunError` for a folder of another comparison.
    """
    from longshort.tuning.compare_page import page

    _refuse_other_files(out)
    listen(Working("reading the data and deciding settings"))
    plan = planned(settings, tuple(arms), how or How(), data, say)
    folder = _opened(out, plan)
    with folder.locked(say):
        (out / TRAININGS).mkdir(exist_ok=True)
        records = _train_all(plan, RunFolder(out / TRAININGS), say, listen)
        found = result_of(plan.metric, plan.arms, plan.costs, plan.pairs, plan.rates, records)
        found |= {
            "task": plan.task.name,
            "data": plan.record["settings"]["data"].get("path", "in memory"),
            "environment": environment(),
        }
        folder.write(PAGE, page(found))
        folder.write_json(RESULT, found)
    return found


def planned(
    settings: Mapping[str, Any], arms: tuple[Arm, ...], how: How, data: object, say: Say
) -> Plan:
    """Decide everything: sizes of equal parameters, equal updates, pairs, learning rates."""
    task = task_of(settings)
    given = prepare.config_of(task, settings)
    split_seed = getattr(getattr(given, "split", None), "seed", None)
    pairs = pairs_of(how, len(arms), given.train.seed, split_seed)
    grounds = Grounds(task, settings, data)
    pairs = _with_drawn_splits(pairs, grounds)
    ground = grounds.of(pairs[0])
    reference = ground.prepared(arms[0].changes, say).config
    rates = rates_of(how, arms, reference.train.learning_rate)
    if len(rates) > 1 and "val" not in ground.splits.by_name():
        raise ConfigError(
            "compare: learning rates are chosen on the validation split, and these settings leave "
            "none; give one, or a single learning rate with --rates, which is then not tuned"
        )
    epochs = reference.train.max_epochs or ground.trial(arms[0].changes).max_epochs
    shared = _equal_updates(reference.train, epochs)
    _refuse_fixed(arms, pairs)
    arms = tuple(replace(arm, changes=shared | dict(arm.changes)) for arm in arms)
    arms = sized(ground, arms, size_key(how, arms))
    if how.longer is not None:
        read_longer(ground.trial(arms[0].changes), how.longer)
    costs = {arm.name: cost_of(ground.trial(arm.changes)) for arm in arms}
    _say_plan(arms, costs, pairs, say)
    record = {
        "format_version": _VERSION,
        "settings": read_back(given),
        **described(arms, how),
        "pairs": [vars(pair) for pair in pairs],
        "rates": list(rates),
        "content": task.digest(ground.splits),
    }
    return Plan(
        task, task.metric(reference), grounds, how, arms, costs, pairs, rates, epochs, record
    )


def _equal_updates(train: TrainConfig, epochs: int) -> dict[str, Any]:
    """Return the settings, as the first alternative has them, by which all train equally long."""
    shared: dict[str, Any] = {EPOCHS: epochs, "train.choose": train.choose}
    if train.choose == "best":
        shared["train.patience"] = epochs + 2  # nobody stops early
    if train.batch_size is not None:
        shared["train.batch_size"] = train.batch_size
    return shared


def _with_drawn_splits(pairs: list[Pair], grounds: Grounds) -> list[Pair]:
    """Return the pairs; without seeds of splits where these settings draw none."""
    fixed = [replace(pair, split_seed=None) for pair in pairs]
    if pairs[0].split_seed is None:
        return fixed
    ground = grounds.of(fixed[0])
    config = prepare.config_of(ground.task, ground.settings)
    unused = ground.task.unused(config, ground.splits)
    return fixed if SPLIT_SEED in dict(unused) else pairs


def _refuse_fixed(arms: Sequence[Arm], pairs: Sequence[Pair]) -> None:
    """Raise `ConfigError` for what all alternatives share, so that it cannot be compared."""
    drawn = [SEED, *([SPLIT_SEED] if pairs[0].split_seed is not None else [])]
    for key in sorted({key for arm in arms for key in arm.changes}):
        if key in drawn:
            why = "is drawn anew in each pair, the same for all alternatives"
        elif key == EPOCHS:
            why = "is the same for all alternatives, so that they have equal updates"
        elif key.startswith(("data.", "split.")):
            why = "decides which data there are, and all alternatives share them"
        else:
            continue
        raise ConfigError(f"compare: {key} {why}; it cannot be what is compared")


def _say_plan(
    arms: Sequence[Arm], costs: Mapping[str, Cost], pairs: Sequence[Pair], say: Say
) -> None:
    same = dict(arms[0].changes)
    for arm in arms:
        same = {key: value for key, value in same.items() if arm.changes.get(key) == value}
    for arm in arms:
        own = {key: value for key, value in arm.changes.items() if key not in same}
        say(f"{arm.name}: {costs[arm.name].parameters:,} parameters ({_settings(own)})")
    steps = {cost.steps for cost in costs.values()}
    if len(steps) > 1:
        say("warning: the numbers of updates differ: " + _by_arm(costs))
    else:
        say(f"the same for all: {steps.pop():,} steps, {_settings(same)}")
    measure = costs[arms[0].name].measure
    if measure:
        say(f"the validation score is {measure}, less is better")
    if pairs[0].split_seed is None:
        say("note: the splits are the same in all pairs; what varies is the start and the order")


def _settings(changes: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in changes.items())


def _by_arm(costs: Mapping[str, Cost]) -> str:
    return ", ".join(f"{name} {cost.steps:,}" for name, cost in costs.items())


def _refuse_other_files(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise RunError(f"{out}: is a file; give another folder to --out")
    if out.is_dir() and any(out.iterdir()) and not (out / PLAN).is_file():
        raise RunError(f"{out}: holds files that are no comparison; give another --out")


def _opened(out: Path, plan: Plan) -> RunFolder:
    """Create the folder, or go on in one of the same comparison."""
    folder = RunFolder(out)
    if folder.file(PLAN).is_file():
        before = folder.read_json(PLAN)
        other = [key for key in plan.record if before.get(key) != plan.record[key]]
        if other:
            what = ", ".join("data" if key == "content" else key for key in other)
            raise RunError(
                f"{out}: is a comparison with other {what}; give another --out (pairs are not "
                "added afterwards: who looks at a result and then trains on, finds differences "
                "by chance)"
            )
        return folder
    RunFolder.create(out, overwrite=False, say=quiet)
    (out / "ckpt").rmdir()
    folder.write_json(PLAN, plan.record)
    return folder


def _train_all(
    plan: Plan, folder: RunFolder, say: Say, listen: Listener
) -> dict[str, list[Record]]:
    """Train every alternative in every pair, pair by pair; returns their records by name.

    Only validation scores are shown before the end, so that no test score can guide when to stop.
    """
    price = Price(
        plan.trainings, plan.epochs, plan.tuning_epochs, (len(plan.arms), len(plan.pairs)), say
    )
    epochs = plan.epochs, plan.tuning_epochs
    trainings = Trainings(
        plan.grounds, folder, epochs, plan.rates, plan.how.longer, listen, price.pay
    )
    found: dict[str, list[Record]] = {arm.name: [] for arm in plan.arms}
    width = max(map(len, found))
    try:
        for pair in plan.pairs:
            tuning = plan.pairs[0] if plan.how.tune_once else pair
            for arm in plan.arms:
                record = trainings.final(arm, pair, tuning)
                found[arm.name].append(record)
                price.row(pair, arm, record, width)
            _refuse_other_scores({name: records[-1] for name, records in found.items()})
    except (Interrupted, KeyboardInterrupt):
        raise Interrupted(
            f"stopped; every training so far is kept; go on with the same command and --out "
            f"{folder.path.parent}"
        ) from None
    return found


def _refuse_other_scores(records: Mapping[str, Record]) -> None:
    """Raise `ConfigError` if the alternatives of a pair have other metrics or test samples."""
    scored = {name: (each["metric"], each["test_samples"]) for name, each in records.items()}
    if len(set(scored.values())) > 1:
        listed = ", ".join(
            f"{name} {metric} on {count:,}" for name, (metric, count) in scored.items()
        )
        raise ConfigError(
            f"compare: the alternatives have scores of other kinds or of other test samples "
            f"({listed}), which cannot be compared; compare settings that leave both as they are"
        )
