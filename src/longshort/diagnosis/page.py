"""The page of an examination: faults on top, then what was measured and ruled out."""

from __future__ import annotations

from typing import Any

from longshort.diagnosis.diagnosis import Diagnosis, Fault
from longshort.diagnosis.pictures import figure_of
from longshort.report.render import render
from longshort.report.sections import Note, Picture, Section, Table


def page_of(found: Diagnosis, reproduce: str) -> str:
    """Return one HTML page without external files; reproduce: the command that wrote it."""
    return render(
        "doctor.html.j2",
        {
            "title": f"Examination of {found.name}",
            "about": [
                f"{len(found.measured)} experiments in {found.seconds:.0f} s, trainings of "
                f"{found.steps:,} steps, seed {found.seed}"
            ],
            "verdict": found.verdict,
            "outcome": "better" if found.is_healthy else "worse",
            "faults": [_fault(each, found) for each in found.faults],
            "sections": _sections(found),
            "reproduce": reproduce,
        },
    )


def _fault(fault: Fault, found: Diagnosis) -> dict[str, Any]:
    plot = found.measured[fault.experiment].plot
    gain = []
    if fault.regained is not None:
        gain.append(f"Tried: it wins back {fault.regained:.0%} of what training missed.")
    if fault.retest is not None:
        gain.append(f"Retest: {fault.retest.sentence()}.")
    return {
        "title": f"{fault.id} in {fault.place}",
        "cause": fault.verdict,
        "sureness": f"confidence {fault.confidence:.0%}",
        "evidence": fault.evidence,
        "remedy": fault.remedy,
        "gain": gain,
        "figure": None if plot is None else figure_of(plot),
    }


def _sections(found: Diagnosis) -> list[Section]:
    measured = [["experiment", "result"], *([n, e.said] for n, e in found.measured.items())]
    sections = [Section("What was measured", [Table(measured, is_text=True)])]
    shown = {fault.experiment for fault in found.faults}
    pictures = [
        Picture(name, figure_of(each.plot), 760)
        for name, each in found.measured.items()
        if each.plot is not None and name not in shown
    ]
    if pictures:
        sections.append(Section("Curves", pictures))
    if found.ruled_out:
        rows = [[each.id, each.experiment, each.why] for each in found.ruled_out]
        table = Table([["cause", "experiment", "why it is ruled out"], *rows], is_text=True)
        sections.append(Section("Ruled out", [table]))
    remarks = [*found.notes, *(f"Not done within the budget: {each}" for each in found.skipped)]
    if remarks:
        sections.append(Section("Remarks", [Note(each) for each in remarks]))
    return sections
