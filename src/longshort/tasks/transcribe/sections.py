"""Report of a recogniser: its errors, the worst utterances, and what was heard when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from longshort.metrics.edits import Pair, aligned, confusions, total, word_edits
from longshort.report.sections import Line, Note, Passage, Picture, Section, Span, Table
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.runs.transcribing import Heard
from longshort.tasks.transcribe.config import TranscribeConfig
from longshort.tasks.transcribe.encoder import SpeechEncoder
from longshort.tasks.transcribe.pictures import heard_over_time
from longshort.tasks.transcribe.samples import Utterances

SpeechResult = Result[TranscribeConfig, Utterances, SpeechEncoder, Heard]
_SHOWN, _CONFUSED, _PICTURES = 8, 12, 3
_MISSING = "—"
_WRONG, _ONE_TOO_MANY, _LOST = "#f6d9c9", "#f3e6b8", "#e4e4e4"


def sections(result: SpeechResult) -> list[Section]:
    """Return what was heard when, the kinds of errors, and the worst utterances."""
    samples, heard = result.scored.samples, result.scored.predictions[MODEL]
    return [*_over_time(result, samples, heard), _errors(samples, heard), _worst(samples, heard)]


def _over_time(result: SpeechResult, samples: Utterances, heard: Heard) -> list[Section]:
    """Features of some utterances with the words where they were heard."""
    lengths = np.array([len(item) for item in samples.items])
    usable = [i for i, each in enumerate(heard.transcripts) if each.words]
    usable.sort(key=lambda i: abs(lengths[i] - np.median(lengths)))
    pictures = [
        Picture(
            f"heard{number}",
            heard_over_time(
                samples.items[i],
                result.config.audio.hop / 1000,
                heard.transcripts[i].words,
                f"{samples.files[i]}: {(samples.texts or [])[i]}",
            ),
            900,
        )
        for number, i in enumerate(usable[:_PICTURES])
    ]
    note = Note(
        "Features over time, with each word where the most probable path writes it: a network "
        "that reads both directions may write a character some steps before or after its sound."
    )
    return [Section("What was heard when", [*pictures, note])] if pictures else []


def _errors(samples: Utterances, heard: Heard) -> Section:
    """The most frequent errors of words and of characters."""
    wanted = samples.texts or []
    found = total(word_edits(wanted, heard.texts))
    note = Note(
        f"Of {found.tokens:,} words {found.substitutions:,} were substituted, "
        f"{found.deletions:,} deleted and {found.insertions:,} inserted."
    )
    words = _counted("word", confusions(wanted, heard.texts, words=True))
    letters = _counted("character", confusions(wanted, heard.texts))
    return Section("Errors", [note, words, letters])


def _counted(what: str, found: Sequence[tuple[Pair[str], int]]) -> Table:
    rows = [[what, "heard as", "times"]]
    for (wanted, text), count in found[:_CONFUSED]:
        rows.append([_shown(wanted), _shown(text), f"{count:,}"])
    return Table(rows)


def _shown(token: str | None) -> str:
    return _MISSING if token is None else "space" if token == " " else token


def _worst(samples: Utterances, heard: Heard) -> Section:
    """The utterances with the most errors a word."""
    wanted = samples.texts or []
    rates = [each.rate for each in word_edits(wanted, heard.texts)]
    order = sorted(range(len(rates)), key=lambda i: -rates[i])[:_SHOWN]
    lines = [_line(samples.files[i], wanted[i], heard.texts[i]) for i in order if rates[i]]
    caption = (
        "In colour words that were heard wrongly, with what was said; in grey those not heard."
    )
    if not lines:
        return Section("Where it is worst", [Note("No test utterance has an error.")])
    return Section("Where it is worst", [Passage(lines, caption)])


def _line(file: str, wanted: str, text: str) -> Line:
    spans = []
    for said, heard in aligned(wanted.split(), text.split()):
        if said == heard:
            spans.append(Span(f"{heard} "))
        elif heard is None:
            spans.append(Span(f"{said}", _LOST, "lost"))
        else:
            label = "" if said is None else said
            spans.append(Span(heard, _ONE_TOO_MANY if said is None else _WRONG, label))
    return Line(spans, file)
