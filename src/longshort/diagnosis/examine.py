"""The examination: experiments in the order of their cost, until one decides."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from longshort.diagnosis.capture import without_input
from longshort.diagnosis.diagnosis import MOST, Diagnosis, Fault, Retest, RuledOut
from longshort.diagnosis.experiments import (
    alignment,
    course,
    inputs,
    ladder,
    lags,
    layers,
    leaks,
    learning_curve,
    mixing,
    modes,
    noise,
    one_batch,
    order,
    output,
    overflow,
    padding,
    past,
    range_test,
    seeds,
    settings,
    shuffles,
    start_loss,
    state,
    step_quality,
    training_step,
    unregularised,
    weights,
)
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.proofs import PROOFS
from longshort.diagnosis.rules import REGAINED, Rule
from longshort.diagnosis.subject import Course, Subject, halves, regained
from longshort.diagnosis.suspicions import SUSPICIONS
from longshort.errors import ConfigError

Measure = Callable[[Subject], Measured | None]
Say = Callable[[str], None]

STATIC: dict[str, Measure] = {
    "settings": settings.measure,
    "inputs": inputs.measure,
    "leaks": leaks.measure,
    "order": order.measure,
    "weights": weights.measure,
    "output": output.measure,
    "alignment": alignment.measure,
}
"""Experiments that look at data, weights and one call."""
PLUMBING: dict[str, Measure] = {
    "mixing": mixing.measure,
    "state": state.measure,
    "past": past.measure,
    "padding": padding.measure,
    "layers": layers.measure,
    "modes": modes.measure,
    "training step": training_step.measure,
}
"""Experiments on where values and gradients go."""
SHORT: dict[str, Measure] = {
    "start loss": start_loss.measure,
    "one batch": one_batch.measure,
    "range test": range_test.measure,
    "step quality": step_quality.measure,
    "lags": lags.measure,
}
"""Experiments of some steps each."""

THOROUGH: dict[str, Callable[[Subject, Course], Measured | None]] = {
    "without regularisers": unregularised.measure,
    "shuffles": shuffles.measure,
    "seeds": seeds.measure,
    "capacity ladder": ladder.measure,
    "learning curve": learning_curve.measure,
}
"""Experiments of several trainings each, which tell more of a healthy training."""

_BEYOND_NOISE, _EASED, _SHORTER = 2.0, 0.75, 0.9
_LONGER = "stopped-early"
"""Rule whose remedy costs more training, so that others go before it."""


def quiet(_line: str) -> None:
    """Discard a remark."""


@dataclass
class Examination:
    """An examination in progress; `run` is its course.

    base: the course of the subject's own training, where it is known already.
    """

    subject: Subject
    budget: float
    base: Course | None = None
    steps: int = 0
    is_thorough: bool = False
    notes: Sequence[str] = ()
    say: Say = quiet
    measured: dict[str, Measured] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    ruled_out: list[RuledOut] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def run(self) -> Diagnosis:
        """Run stage after stage; a stage with a fault is the last one."""
        self.begin = time.monotonic()
        for stage in (self._static, self._plumbing, self._short, self._trials, self._last):
            stage()
            if self.faults:
                break
        return self._told()

    def _static(self) -> None:
        for name, measure in STATIC.items():
            self._measure(name, measure)

    def _plumbing(self) -> None:
        for name, measure in PLUMBING.items():
            self._measure(name, measure)
            if self.faults:
                return

    def _short(self) -> None:
        for name, measure in SHORT.items():
            self._measure(name, measure)

    def _measure(self, name: str, measure: Measure) -> None:
        """Run an experiment, and judge the rules that it proves."""
        self.say(f"experiment: {name}")
        try:
            found = measure(self.subject)
        except RuntimeError as error:  # of the user's own code, such as a second backward pass
            self.skipped.append(f"{name} ({str(error).splitlines()[0]})")
            return
        if found is None:
            return
        self.measured[name] = found
        for rule in PROOFS:
            if rule.experiment == name:
                self._judge(rule)

    def _judge(self, rule: Rule) -> None:
        """Decide a rule whose number alone is a proof."""
        value = self._value(rule)
        if value is None:
            return
        if any(fault.id == rule.unless for fault in self.faults):
            return
        if rule.holds(value):
            self._add(rule, value, 0.97, {}, None)
        else:
            self._rule_out(rule, self.measured[rule.experiment].said)

    def _value(self, rule: Rule) -> float | None:
        found = self.measured.get(rule.experiment)
        return None if found is None else found.numbers.get(rule.number)

    def _trials(self) -> None:
        """Try the remedy of every suspicion; what wins back enough is a fault."""
        self.say("training as it is")
        base = self.base or self.subject.train({}, self.subject.seed)
        self.base = base
        self.measured["course"] = course.measure(base)
        if self.measured["course"].numbers["diverged"]:
            self._measure("overflow", overflow.measure)
            if self.faults:
                return
        tried: dict[str, Any] = {}
        for rule in SUSPICIONS:
            value = self._value(rule)
            explained = any(fault.id == rule.unless for fault in self.faults)
            if value is None or explained:
                continue
            if not rule.holds(value):
                self._rule_out(rule, f"{rule.number.replace('_', ' ')} is {value:.3g}")
                continue
            wanted = None if rule.wanted is None else rule.wanted(self.subject, self.measured)
            if wanted is None or str(wanted) in tried:
                continue
            if self._is_late():
                self.skipped.append(f"remedy of {rule.id}")
                continue
            tried[str(wanted)] = rule.id
            self._try(rule, value, wanted, base)
        self._keep_causes()

    def _keep_causes(self) -> None:
        """Drop what only eases the effect of a cause whose remedy wins back more, or costs less."""
        shares = {fault.id: fault.regained or 0.0 for fault in self.faults}
        best = max(shares.values(), default=0.0)
        shorter = max((share for name, share in shares.items() if name != _LONGER), default=0.0)
        for fault in list(self.faults):
            share = shares[fault.id]
            is_eased = share < _EASED * best or (fault.id == _LONGER and shorter > _SHORTER * share)
            if is_eased:
                self.faults.remove(fault)
                why = f"its remedy wins back {share:.0%}, another one {best:.0%}"
                self.ruled_out.append(RuledOut(fault.id, fault.experiment, why))

    def _try(self, rule: Rule, value: float, wanted: Any, base: Course) -> None:
        changes = self.subject.changes(wanted)
        self.say(f"trying: {self.subject.remedy(changes)}")
        try:
            other = self.subject.train(changes, self.subject.seed)
        except ConfigError as error:
            self._rule_out(rule, f"its remedy has no effect here: {error}")
            return
        share = regained(base, other)
        if share < REGAINED and not halves(base, other):
            self._rule_out(rule, f"its remedy wins back {share:.0%} of what could be learned")
            return
        again = self.subject.seed + 1
        one, two = self.subject.train({}, again), self.subject.train(changes, again)
        second = regained(one, two)
        is_sure = second >= REGAINED or halves(one, two)
        if not is_sure and second < REGAINED / _BEYOND_NOISE:
            why = f"its remedy wins back {share:.0%}, with another seed {second:.0%}"
            self._rule_out(rule, why)
            return
        self._add(rule, value, 0.9 if is_sure else 0.7, changes, (share + second) / 2)

    def _last(self) -> None:
        """Ask whether the inputs are used, and whether labels contradict them."""
        if self._is_late():
            self.skipped += ["zeroed input", "noise"]
            return
        assert self.base is not None
        self.say("training without input")
        blind = self.subject.train({}, self.subject.seed, without_input)
        used = regained(blind, self.base)
        said = f"without input, training misses {used:.0%} of what it learns with it"
        self.measured["zeroed input"] = Measured(said, {"used": used})
        for rule in PROOFS:
            if rule.experiment == "zeroed input":
                self._judge(rule)
        if not self.faults:
            self._measure("noise", noise.measure)
        for name, measure in THOROUGH.items() if self.is_thorough else ():
            self.say(f"experiment: {name}")
            found = measure(self.subject, self.base)
            if found is not None:
                self.measured[name] = found

    def _add(
        self, rule: Rule, value: float, confidence: float, changes: Any, share: float | None
    ) -> None:
        if any(fault.id == rule.id for fault in self.faults):
            return
        found = self.measured[rule.experiment]
        where = found.where.get(rule.number, "")
        place = f"{rule.place}: {where}" if where else rule.place
        sign = "below" if rule.below else "above"
        evidence = (
            f"{found.said} ({rule.number.replace('_', ' ')} {value:.3g}, {sign} {rule.limit:.3g})"
        )
        if not changes and rule.wanted is not None:
            wanted = rule.wanted(self.subject, self.measured)
            changes = {} if wanted is None else self.subject.changes(wanted)
        remedy = self.subject.remedy(changes) if changes else rule.advice
        verdict = rule.cause[0].upper() + rule.cause[1:] + "."
        self.faults.append(
            Fault(
                rule.id,
                verdict,
                place,
                evidence,
                value,
                rule.limit,
                rule.cause,
                confidence,
                rule.advice if rule.advice and share is None else remedy,
                rule.experiment,
                changes,
                share,
            )
        )

    def _rule_out(self, rule: Rule, why: str) -> None:
        self.ruled_out.append(RuledOut(rule.id, rule.experiment, why))

    def _is_late(self) -> bool:
        return time.monotonic() - self.begin > self.budget

    def _told(self) -> Diagnosis:
        order = sorted(
            self.faults,
            key=lambda each: 1.0 if each.regained is None else each.regained,
            reverse=True,
        )
        found = {each.id for each in order}
        return Diagnosis(
            self.subject.name,
            order[:MOST],
            [each for each in self.ruled_out if each.id not in found],
            self.measured,
            self.subject.seed,
            self.steps,
            time.monotonic() - self.begin,
            self.notes,
            self.skipped,
        )


def retested(subject: Subject, found: Diagnosis, seeds: int = 3) -> Diagnosis:
    """Return the diagnosis with a retest of every fault whose remedy can be made."""
    plain: dict[int, Course] = {}

    def pair(fault: Fault, seed: int) -> tuple[float, float]:
        if seed not in plain:
            plain[seed] = subject.train({}, seed)
        return plain[seed].best, subject.train(fault.changes, seed).best

    def one(fault: Fault) -> Fault:
        if not fault.changes:
            return fault
        own = range(subject.seed, subject.seed + seeds)
        return replace(fault, retest=Retest([pair(fault, seed) for seed in own]))

    return replace(found, faults=[one(fault) for fault in found.faults])
