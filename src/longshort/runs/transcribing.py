"""Texts of recordings: how they are searched, what was heard, and when."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Listening:
    """How recordings become text; None leaves it to the settings of the run.

    beam: width of the search, 1 is greedy; n_best: texts for each recording, which widen a beam
    that is not given. alpha, beta: weight of the language model, and bonus for each of its tokens.
    Raises `ConfigError` for values that are not allowed.
    """

    beam: int | None = None
    n_best: int = 1
    alpha: float | None = None
    beta: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("beam", self.beam), ("n_best", self.n_best)):
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            if value is not None and not (is_whole and value >= 1):
                raise ConfigError(f"{name}: a whole number from 1 on is expected, got {value!r}")
        if self.beam is not None and self.n_best > self.beam:
            raise ConfigError(
                f"n_best: a beam of {self.beam} gives at most so many texts, got {self.n_best}; "
                "widen the beam, or leave it out"
            )
        if self.alpha is not None and not self.alpha >= 0:
            raise ConfigError(f"alpha: a number from 0 on is expected, got {self.alpha!r}")


@dataclass(frozen=True)
class Timed:
    """A word, when it was said, in seconds, and the mean probability of its characters."""

    word: str
    begin: float
    end: float
    probability: float


@dataclass(frozen=True)
class Alternative:
    """A text that was found, its log probability, and the score by which it was ranked."""

    text: str
    log_prob: float
    score: float


@dataclass(frozen=True)
class Transcript:
    """Texts of an utterance, the best first, and the words of the best with their times."""

    found: tuple[Alternative, ...]
    words: tuple[Timed, ...] = ()

    @property
    def text(self) -> str:
        """The best text."""
        return self.found[0].text


@dataclass(frozen=True)
class Heard:
    """Transcripts of utterances, in their order."""

    transcripts: list[Transcript]

    @property
    def texts(self) -> list[str]:
        """The best text of each utterance."""
        return [each.text for each in self.transcripts]


def heard_of(texts: list[str]) -> Heard:
    """Return texts that no network wrote."""
    return Heard([Transcript((Alternative(text, 0.0, 0.0),)) for text in texts])
