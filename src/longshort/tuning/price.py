"""The price of a study, before it begins and while it runs."""

from __future__ import annotations

from longshort.train.progress import duration
from longshort.tuning.halving import Standing, most_epochs
from longshort.tuning.plan import Plan
from longshort.tuning.results import Results
from longshort.tuning.worker import AnyGround


def price_line(plan: Plan, ground: AnyGround) -> str:
    """Return the price: trials, and epochs in units of full runs."""
    budget = budget_of(plan, ground)
    if plan.trials:
        return (
            f"price: {plan.trials} candidates, so at most as many full runs of {budget} epochs "
            "in all, and far fewer where the pruner stops them"
        )
    most, whole = most_epochs(plan, budget)
    first = len(plan.candidates) * plan.rungs[0].seeds
    return (
        f"price: {first} trials at first, and at most {most / budget:.1f} full runs of {budget} "
        f"epochs in all, where training everything to the end would be {whole / budget:.0f}; the "
        "time is told after the first rung"
    )


def budget_of(plan: Plan, ground: AnyGround) -> int:
    """Return the epochs of a whole training of the first candidate."""
    changes = plan.candidates[0].changes if plan.candidates else {}
    decided = ground.prepared(changes).config.train.max_epochs
    return decided or ground.trial(changes).max_epochs


def spent(results: Results) -> tuple[float, float]:
    """Return what was spent: full runs, as shares of each trial's epochs, and seconds."""
    done = [each for each in results.values() if each.budget]
    runs = sum(each.spent / each.budget for each in done)
    return runs, sum(each.seconds for each in done)


def time_line(plan: Plan, now: Standing, results: Results) -> str | None:
    """Return about how long the study will still take at most; None before the first rung is done.

    It is estimated from the time of the epochs so far, for one worker.
    """
    runs, seconds = spent(results)
    if not runs or not now.rung or plan.trials:
        return None
    budget = max(each.budget for each in results.values())
    most, _ = most_epochs(plan, budget)
    left = max(0.0, most / budget - runs) * seconds / runs
    return f"about {duration(left)} left at most for one worker"
