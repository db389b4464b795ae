"""The page of a comparison, and its tables as text."""

from __future__ import annotations

from typing import Any

from longshort.errors import counted
from longshort.report.render import render
from longshort.report.sections import Block, Note, Picture, Section, Table
from longshort.report.table import shown
from longshort.tuning.pairs import PairedTest

_MEGABYTE = 2**20


def page(found: dict[str, Any]) -> str:
    """Return the HTML page of a comparison's result; it opens offline."""
    count, machine = len(found["pairs"]), found["environment"]
    return render(
        "sections.html.j2",
        {
            "title": "Comparison of " + ", ".join(row["name"] for row in found["alternatives"]),
            "about": [
                f"task {found['task']}; data {found['data']}",
                f"{count} pairs; all alternatives of a pair have the same seed, order and split",
                f"longshort {machine['packages']['longshort']}, torch "
                f"{machine['packages']['torch']}, {counted(machine['threads'], 'thread')}",
            ],
            "verdict": found["verdict"],
            "outcome": "better" if len(found["equals"]) == 1 and found["claims_possible"] else "",
            "sections": [
                Section("Scores on the test split", _scores(found)),
                Section("What they cost", _costs(found)),
                Section("Learning rates", _rates(found)),
                Section("What limits this answer", [Note(f"{text}.") for text in found["notes"]]),
            ],
        },
    )


def summary_rows(found: dict[str, Any]) -> list[list[str]]:
    """Return the table of the alternatives, its header first."""
    title = found["metric"]["title"]
    has_longer = found["alternatives"][0]["longer"] is not None
    longer = [f"{title}, longer"] if has_longer else []
    rows = [["", f"test {title}", *longer, "validation", "ms/step", "memory MB", "parameters"]]
    for row in found["alternatives"]:
        time = None if row["step_seconds"] is None else 1000 * row["step_seconds"]
        memory = None if row["memory"] is None else row["memory"] / _MEGABYTE
        rows.append(
            [
                row["name"],
                shown(row["test"]),
                *([shown(row["longer"])] if longer else []),
                shown(row["val"]),
                "-" if time is None else f"{time:.3g}",
                "-" if memory is None else f"{memory:.1f}",
                f"{row['parameters']:,}",
            ]
        )
    return rows


def test_rows(found: dict[str, Any]) -> list[list[str]]:
    """Return the table of the comparisons, its header first."""
    rows = [["", "advantage", "95 %", "P(first better)", "95 %", "p", "p, Holm", "better"]]
    for each in found["comparisons"]:
        rows.append(
            [
                f"{each['first']} - {each['second']}",
                shown(each["gain"]),
                f"{shown(each['low'])} to {shown(each['high'])}",
                f"{each['chance']:.0%}",
                f"{each['chance_low']:.0%} to {each['chance_high']:.0%}",
                f"{each['p']:.2g}",
                f"{each['adjusted']:.2g}",
                each["better"] or "no difference",
            ]
        )
    return rows


def _scores(found: dict[str, Any]) -> list[Block]:
    from longshort.tuning.compare_plot import paired_scores

    scores = {
        row["name"]: [pair["trainings"][row["name"]]["test"] for pair in found["pairs"]]
        for row in found["alternatives"]
    }
    tests = [PairedTest(**each) for each in found["comparisons"]]
    sign = 1.0 if found["metric"]["higher_is_better"] else -1.0
    figure = paired_scores(scores, tests, found["metric"]["title"], sign)
    return [
        Picture("pairs", figure),
        Table(test_rows(found)),
        Note(
            "Each line on the left is a pair. p is of the sign-flip test over pairs, adjusted by "
            "Holm for the number of comparisons. A difference is claimed from six pairs on, with p "
            "of at most .05 and a P of at least 75 %. The intervals are by bootstrap over pairs."
        ),
    ]


def _costs(found: dict[str, Any]) -> list[Block]:
    return [
        Table(summary_rows(found)),
        Note(
            f"The validation score is {found['measure'] or 'none'}, less is better. Time per step "
            "is the median of all trainings on this machine, memory what a step takes at most "
            f"beside the weights. Updates: {_updates(found)}."
        ),
    ]


def _updates(found: dict[str, Any]) -> str:
    steps = {row["name"]: row["steps"] for row in found["alternatives"]}
    if len(set(steps.values())) == 1:
        return f"{next(iter(steps.values())):,} each"
    return ", ".join(f"{name} {count:,}" for name, count in steps.items())


def _rates(found: dict[str, Any]) -> list[Block]:
    if len(found["rates"]) < 2:
        return [Note("Learning rates were not tuned.")]
    rows = [["", *(f"pair {pair['number']}" for pair in found["pairs"])]]
    for row in found["alternatives"]:
        rows.append([row["name"], *(f"{rate:g}" for rate in row["rates"])])
    tried = ", ".join(f"{rate:g}" for rate in found["rates"])
    return [
        Table(rows),
        Note(f"Tried: {tried}; the best validation score of a short training decides."),
    ]
