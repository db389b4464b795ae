"""The doctor: examine a run, data with settings, or a torch module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from longshort.diagnosis.budget import steps_within
from longshort.diagnosis.diagnosis import Diagnosis
from longshort.diagnosis.examine import Examination, Say, quiet, retested
from longshort.diagnosis.of_module import ModuleSubject
from longshort.diagnosis.of_run import RunSubject, data_subject, recorded, run_subject
from longshort.errors import ConfigError

BUDGET = 60.0
"""Seconds of an examination."""


def subject_of(
    run_or_data: object, settings: Mapping[str, Any] | None = None, seed: int = 0
) -> RunSubject:
    """Return a run, or data with the settings of a run, as a subject.

    Raises `RunError` for a folder that is no run.
    """
    place = Path(run_or_data) if isinstance(run_or_data, (str, Path)) else None
    if place is not None and place.is_dir() and not settings:
        return run_subject(place, seed)
    return data_subject(settings or {}, run_or_data, seed)


def examined(
    subject: RunSubject,
    *,
    budget: float = BUDGET,
    steps: int | None = None,
    retest: bool = False,
    thorough: bool = False,
    say: Say = quiet,
) -> Diagnosis:
    """Examine a run or data; see `doctor`."""
    _refuse(budget, steps)
    plan = subject.planned_steps
    chosen = min(plan, steps_within(subject, budget) if steps is None else steps)
    subject.most_steps = None if chosen == plan else chosen
    notes = [f"{each.severity} [{each.code}] {each.sentence()}" for each in subject.findings]
    base = recorded(subject) if chosen == plan else None
    found = Examination(subject, budget, base, chosen, thorough, notes, say).run()
    return retested(subject, found) if retest else found


def doctor(
    run_or_data: object,
    settings: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    budget: float = BUDGET,
    steps: int | None = None,
    retest: bool = False,
    thorough: bool = False,
) -> Diagnosis:
    """Examine the training of a run, or of data with the settings of a run.

    run_or_data: a finished run's folder, or a file, a frame or samples. settings: nested settings
    of a run on data. seed: of all random numbers. budget: seconds. steps: of one training in the
    experiments; as many as the budget allows, up to those of the whole run, when absent. retest:
    train with and without each remedy on three paired seeds. thorough: where nothing is found, also
    train without regularisers, on shuffled steps and samples, from other seeds, with fewer and more
    units, and on fewer samples.

    Raises `RunError` for a folder that is no run or a run that was never trained, and `DataError`
    for data that cannot be read.
    """
    subject = subject_of(run_or_data, settings, seed)
    return examined(subject, budget=budget, steps=steps, retest=retest, thorough=thorough)


def diagnose(
    module: nn.Module,
    loss: Callable[[nn.Module, Any], Tensor],
    batches: Iterable[Any],
    *,
    step: Callable[[Any], object] | None = None,
    optimizer: Optimizer | None = None,
    val_batches: Iterable[Any] = (),
    validate: Callable[[], float] | None = None,
    targets: Callable[[Any], Tensor] | None = None,
    lengths: Callable[[Any], Tensor] | None = None,
    carries_state: bool = False,
    is_causal: bool = False,
    epochs: int = 3,
    seed: int = 0,
    budget: float = BUDGET,
    steps: int | None = None,
    retest: bool = False,
    thorough: bool = False,
) -> Diagnosis:
    """Examine a torch module as it is before training, with its loss and its training step.

    loss: a function of (module, batch) that returns a scalar tensor. batches: training batches of
    any kind, in the order of an epoch. step: your training step on a batch; with it errors of the
    training itself are seen. optimizer: the one that the step uses; its rate and decay are
    examined. val_batches: validation batches. validate: your own validation, examined for its mode.
    targets, lengths: take these out of a batch; without them, a batch that is a tuple is (inputs,
    targets, lengths), samples first. carries_state: batches hand on a state by intent. is_causal:
    outputs must not depend on later steps. epochs: that you would train. The others are as in
    `doctor`. Module and optimizer are left as they were.

    Raises `ArgumentError` for a module without parameters, batches that are empty, and a loss that
    is no scalar.
    """
    _refuse(budget, steps)
    subject = ModuleSubject(
        module,
        loss,
        batches,
        step=step,
        optimizer=optimizer,
        val_batches=val_batches,
        validate=validate,
        targets=targets,
        lengths=lengths,
        carries_state=carries_state,
        is_causal=is_causal,
        epochs=epochs,
        seed=seed,
    )
    affordable = steps_within(subject, budget) if steps is None else steps
    subject.most_steps = affordable
    found = Examination(subject, budget, steps=subject.steps_of({}), is_thorough=thorough).run()
    return retested(subject, found) if retest else found


def _refuse(budget: float, steps: int | None) -> None:
    if budget <= 0:
        raise ConfigError(f"budget: seconds above 0, got {budget:g}")
    if steps is not None and steps < 1:
        raise ConfigError(f"steps: 1 or more, got {steps}")
