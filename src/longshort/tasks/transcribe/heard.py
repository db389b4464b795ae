"""What was heard: texts with their scores and times."""

from __future__ import annotations

from dataclasses import dataclass


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
