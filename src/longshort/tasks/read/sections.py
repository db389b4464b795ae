"""Report of reading: confusions, how sure the model is, and the worst lines."""

from __future__ import annotations

from longshort.report.sections import Section, Table
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.read import scoring
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.encoder import ReadEncoder
from longshort.tasks.read.inference import Readings
from longshort.tasks.read.samples import Lines

ReadResult = Result[ReadConfig, Lines, ReadEncoder, Readings]


def sections(result: ReadResult) -> list[Section]:
    """Return the confusions."""
    found = scoring.confusions(
        result.scored.samples, result.scored.predictions[MODEL], result.model.encoder
    )
    rows = [["stands there", "was read", "times"]]
    rows += [[repr(a), repr(b), f"{n:,}"] for (a, b), n in found.most_common(20)]
    return [Section("Confusions", [Table(rows)])]
