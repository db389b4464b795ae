"""The report of a language model: its surprises, its gains, and text that it wrote."""

from __future__ import annotations

import numpy as np

from longshort.report.sections import Line, Note, Passage, Section, Span, Table
from longshort.report.table import shown
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.language.config import LanguageConfig
from longshort.tasks.language.encoder import WITH_LINE_ENDS, LanguageEncoder
from longshort.tasks.language.generate import Sampling, write_on
from longshort.tasks.language.running import Running
from longshort.tasks.language.task import Nats

LanguageResult = Result[LanguageConfig, Running, LanguageEncoder, Nats]

_PASSAGE = {True: 1200, False: 300}
"""Number of tokens in the heat map, for characters and for words."""
_SAMPLE = {True: 300, False: 80}
_SAMPLES, _TEMPERATURE = 3, 0.8
_HOTTEST = {True: 8.0, False: 12.0}
"""Nats of the deepest red, for characters and for words."""
_BOUNDS = (0, 1, 10, 100, 1000, 10_000)


def sections(result: LanguageResult) -> list[Section]:
    """Return a passage coloured by surprise, gains by frequency, and text that the model wrote."""
    surprise = Note(
        "The beginning of the test split: the redder, the less the model expected the token. Point "
        "at a token to read its nats."
    )
    gains = Note(
        "Mean nats of test tokens, by how often they occur in the training split; saved is what "
        "the model needs less than the best baseline."
    )
    drawn = Note(
        f"Drawn at temperature {_TEMPERATURE} after the end of a line; these are the first seeds, "
        "none was left out."
    )
    return [
        Section(
            "Which tokens surprise it",
            [
                surprise,
                Passage([Line(_scale(result), "nats")]),
                Passage([Line(_heat(result))], is_raw=True),
            ],
        ),
        Section("Where it gains", [Table(_gains(result)), gains]),
        Section("What it writes", [*_samples(result), drawn]),
    ]


def _is_fine(result: LanguageResult) -> bool:
    """Return whether tokens are as small as characters."""
    return result.model.encoder.tokens in WITH_LINE_ENDS


def _heat(result: LanguageResult) -> list[Span]:
    """Return the tokens of a passage with their nats, each on its colour."""
    count, found = _PASSAGE[_is_fine(result)], result.scored.predictions[MODEL]
    pieces = list(result.model.encoder.stream(found.numbers[:count].tolist()))
    hottest = _HOTTEST[_is_fine(result)]
    return [
        Span(
            "⏎\n" if piece == "\n" else _visible(piece), _colour(nats / hottest), hint=f"{nats:.2f}"
        )
        for piece, nats in zip(pieces, found.nats[:count].tolist(), strict=True)
    ]


def _visible(text: str) -> str:
    """Replace control characters by their pictures, as a page cannot hold them."""
    return text.translate({code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"})


def _scale(result: LanguageResult) -> list[Span]:
    """Return the legend of the colours, in nats."""
    hottest = _HOTTEST[_is_fine(result)]
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    return [Span(f" {share * hottest:g} ", _colour(share)) for share in shares]


def _colour(heat: float) -> str:
    return f"rgba(200,40,20,{0.75 * min(1.0, heat):.2f})"


def _gains(result: LanguageResult) -> list[list[str]]:
    """Return the mean nats of the model and the best baseline, by the tokens' frequency."""
    found, best = result.scored.predictions, result.scored.best
    size = len(result.model.encoder.vocabulary)
    train = result.encoded["train"].arrays
    seen = np.bincount(train, minlength=size)[found[MODEL].numbers]
    rows = [["occurs in training", "test tokens", MODEL, best, "saved"]]
    for low, high in zip(_BOUNDS, (*_BOUNDS[1:], None), strict=True):
        here = (seen >= low) & (seen < high) if high else seen >= low
        if not here.any():
            continue
        name = f"{low:,} times or more" if not high else f"{low:,} to {high - 1:,} times"
        own, other = (float(found[each].nats[here].mean()) for each in (MODEL, best))
        cells = [f"{int(here.sum()):,}", shown(own), shown(other), f"{other - own:+.3f}"]
        rows.append([name if low else "never", *cells])
    return rows


def _samples(result: LanguageResult) -> list[Passage]:
    """Return texts that the model wrote, of the first seeds."""
    model, length = result.model, _SAMPLE[_is_fine(result)]
    found = []
    for seed in range(_SAMPLES):
        how = Sampling(temperature=_TEMPERATURE, seed=seed)
        text = "".join(write_on(model, "", length, how))
        found.append(Passage([Line([Span(_visible(text))])], f"Seed {seed}", is_raw=True))
    return found
