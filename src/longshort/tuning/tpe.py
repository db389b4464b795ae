"""Searches whose candidates Optuna proposes, one after another, from the results so far.

Trials are resumed runs here too: each goes on from rung to rung while Optuna's pruner lets it. The
proposals are in the study's folder, so that they can be read without Optuna. Where several workers
propose, the order in which trials end decides what is proposed: such a search is not repeatable.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from longshort.errors import ConfigError
from longshort.runs.task import Say
from longshort.tuning import lease
from longshort.tuning.halving import Standing
from longshort.tuning.plan import Attempt, seed_of
from longshort.tuning.results import DONE
from longshort.tuning.space import Choice, Dimension, parse_space
from longshort.tuning.study import Study
from longshort.tuning.worker import GroundOf, Watch, run_rung, stoppable

if TYPE_CHECKING:
    import optuna

_JOURNAL = "optuna.log"
_NAME = "study"
_FACTOR = 3
_WAIT = 0.2


def work_with_optuna(study: Study, ground_of: GroundOf, watch: Watch, say: Say) -> None:
    """Train proposals until there are as many as the plan asks for, and all have ended."""
    library = load_optuna()
    with stoppable(study.path):
        while True:
            records = _records(library, study)
            with study.locked():
                _keep(records, study)
            running = [n for n, each in enumerate(records.trials) if not each.state.is_finished()]
            watch(Standing(0, tuple(range(len(records.trials))), ()))
            if not running and len(records.trials) >= study.given.trials:
                return
            if not _take_one(library, records, study, running, ground_of, say):
                time.sleep(_WAIT)


def load_optuna() -> Any:
    """Import Optuna; raises `ConfigError` naming the extra that brings it."""
    try:
        import optuna
    except ImportError:
        raise ConfigError(
            "engine: optuna is not installed; pip install 'longshort[tune]', or use the engine "
            "halving, which needs nothing"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _records(library: Any, study: Study) -> optuna.Study:
    """Open Optuna's own record of the study, a journal that several processes can write."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(study.path / _JOURNAL)))
    begun = len(study.plan.candidates)
    sampler = library.samplers.TPESampler(
        seed=seed_of(study.given.seed, begun), constant_liar=True, n_startup_trials=10
    )
    pruner = library.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=_FACTOR)
    found: optuna.Study = library.create_study(
        storage=storage, sampler=sampler, pruner=pruner, study_name=_NAME, load_if_exists=True
    )
    return found


def _take_one(
    library: Any,
    records: optuna.Study,
    study: Study,
    running: list[int],
    ground_of: GroundOf,
    say: Say,
) -> bool:
    """Go on with a trial whose worker is gone, or with a new proposal; returns whether it did."""
    for number in (*running, None):
        if number is None:
            number = _proposed(library, records, study)
        if number is None:
            return False
        attempt = study.plan.attempts[number]
        held = study.claim(attempt.name)
        if held is None:
            continue
        with lease.kept(held):
            _train(library, records, study, attempt, ground_of, say)
        return True
    return False


def _proposed(library: Any, records: optuna.Study, study: Study) -> int | None:
    """Ask for another candidate and record it; None where there are enough."""
    plan = study.given
    space = parse_space(plan.search, plan.settings, study.kind)
    with study.locked():
        if len(study.plan.candidates) >= plan.trials:
            return None
        trial = records.ask({key: _distribution(library, space[key]) for key in space})
        _keep(records, study)
        return int(trial.number)


def _keep(records: optuna.Study, study: Study) -> None:
    """Write the proposals into the study's folder, those of a killed worker too."""
    study.keep_proposals([each.params for each in records.get_trials()])


def _distribution(library: Any, dimension: Dimension) -> Any:
    """Return a dimension as Optuna has it."""
    kinds = library.distributions
    if isinstance(dimension, Choice):
        return kinds.CategoricalDistribution(dimension.values)
    low, high = dimension.ends
    kind = kinds.IntDistribution if dimension.is_whole else kinds.FloatDistribution
    return kind(low, high, log=dimension.is_log)


def _train(
    library: Any,
    records: optuna.Study,
    study: Study,
    attempt: Attempt,
    ground_of: GroundOf,
    say: Say,
) -> None:
    """Bring a trial from rung to rung until it is pruned, has failed, or is trained in full."""
    frozen = records.trials[attempt.candidate.number]
    if frozen.state.is_finished():
        return
    trial = library.trial.Trial(records, frozen._trial_id)
    states = library.trial.TrialState
    stages = study.given.rungs
    for rung, stage in enumerate(stages):
        known = study.results().get((attempt.number, rung))
        result = known or run_rung(study, attempt, rung, ground_of)
        study.add(result)
        if result.status != DONE or result.score is None:
            say(f"warning: trial {attempt.name} ({attempt.candidate.said()}): {result.said}")
            records.tell(trial, state=states.FAIL)
            return
        trial.report(result.score, step=round(stage.share / stages[0].share))
        if rung + 1 < len(stages) and trial.should_prune():
            records.tell(trial, state=states.PRUNED)
            return
    records.tell(trial, result.score)
