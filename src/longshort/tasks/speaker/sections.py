"""Sections of the report on speakers: misses against false alarms, the threshold, speakers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from longshort.data.labelled import Examples
from longshort.report.det import det, similarities
from longshort.report.sections import Note, Picture, Section, Table
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.encoder import SpeakerEncoder
from longshort.tasks.speaker.scoring import curve_of, losses
from longshort.tasks.speaker.threshold import Threshold
from longshort.tasks.speaker.voices import Voices, trials_of

SpeakerResult = Result[SpeakerConfig, Examples, SpeakerEncoder, Voices]
_WORST = 12


def sections(result: SpeakerResult) -> Sequence[Section]:
    """Return the sections that follow the score table."""
    return [_tradeoff(result), _threshold(result), _speakers(result)]


def _tradeoff(result: SpeakerResult) -> Section:
    config, scored = result.config, result.scored
    trials = trials_of(scored.samples.labels or [], config.evaluate.trials, config.split.seed)
    curves = {}
    for name in (MODEL, *scored.baselines):
        curve = curve_of(scored.predictions[name].whole, trials)
        curves[name] = (curve.alarms, curve.misses)
    short = curve_of(scored.predictions[MODEL].short, trials)
    curves[f"{MODEL}, {config.evaluate.short:g} s"] = (short.alarms, short.misses)
    note = Note(
        "Each point is a threshold; on the dotted line misses and false alarms are equal (the "
        "equal error rate). minDCF is the least cost of both where one pair of a hundred is a "
        "target; 1 is the cost of refusing everybody."
    )
    return Section("Misses against false alarms", [Picture("det", det(curves), 460), note])


def _threshold(result: SpeakerResult) -> Section:
    config, scored = result.config, result.scored
    trials = trials_of(scored.samples.labels or [], config.evaluate.trials, config.split.seed)
    found = scored.predictions[MODEL].whole.similarity(trials.one, trials.other)
    chosen = Threshold.of(result.model)
    facts = result.scores["at_threshold"]
    picture = similarities(found, trials.is_target, chosen.value)
    rows = [
        ["threshold", "misses", "false alarms"],
        [f"{chosen.value:.3f}", f"{facts['misses']:.1%}", f"{facts['false_alarms']:.1%}"],
    ]
    note = Note(
        f"The threshold {chosen.condition}. For other lengths, rooms or microphones find one anew, "
        "with recordings that are compared as yours will be."
    )
    return Section("Its threshold", [Picture("similarities", picture, 460), Table(rows), note])


def _speakers(result: SpeakerResult) -> Section:
    config, samples = result.config, result.scored.samples
    speakers = samples.labels or []
    trials = trials_of(speakers, config.evaluate.trials, config.split.seed)
    found = result.scored.predictions[MODEL].whole.similarity(trials.one, trials.other)
    loss = losses(speakers, trials, found >= result.scores["eer_threshold"])
    counts = Counter(speakers)
    tested = [name for name in sorted(counts) if counts[name] > 1]
    rows: list[tuple[float, list[str]]] = [
        (float(each), [name, f"{counts[name]:,}", f"{each:.1%}"])
        for name, each in zip(tested, loss, strict=False)
    ]
    worst: list[Any] = [row for _, row in sorted(rows, key=lambda each: -each[0])[:_WORST]]
    note = Note("The mean of a speaker's misses and false alarms, at the equal error rate of all.")
    table = Table([["speaker", "recordings", "errors"], *worst])
    return Section("Whom it takes for others", [table, note])
