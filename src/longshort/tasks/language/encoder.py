"""The encoder of a text: tokens to numbers and back, with the training split's vocabulary."""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.tokens import Tokeniser, content_of, find_tokeniser, in_full
from longshort.data.vocabulary import SPECIAL, UNKNOWN, Vocabulary
from longshort.errors import ConfigError
from longshort.tasks.language.config import LanguageText

Ints = NDArray[np.int64]

EOS = "<eos>"
_SEEN = 8
"""Number of tokens before the next one on which its spelling depends."""
WITH_LINE_ENDS = {"characters": "\n", "bytes": "0a"}
"""Tokenisers for which the end of a line is a token like any other."""
_WHOLE_SETS = {"characters": 0x110000, "bytes": 256}
"""Number of all characters and of all bytes."""


def decided(text: LanguageText, train: str) -> LanguageText:
    """Decide the open settings of the text; raises `ConfigError` for contradictions.

    train: the training text. Nothing could be learned about the unknown token if it never occurred
    there, and its probability in the test split would be chance. So words that occur once are
    unknown, unless the text marks unknown words itself.
    """
    tokens = in_full(text.tokens or "characters")
    fine = tokens in WITH_LINE_ENDS
    if text.eos and fine:
        raise ConfigError(f"text.eos: ends of lines are {tokens} already; leave it out")
    eos = not fine if text.eos is None else text.eos
    least = text.min_count
    if least is None:
        least = 1 if fine or SPECIAL[UNKNOWN] in train else 2
    return text.model_copy(update={"tokens": tokens, "eos": eos, "min_count": least})


@dataclass(frozen=True)
class LanguageEncoder:
    """An encoder of text as token numbers, fitted on the training split."""

    tokens: str
    lowercase: bool
    eos: bool
    """Whether a token <eos> ends each line."""
    vocabulary: Vocabulary
    tokenizer: str | None = None
    """Content of the tokeniser's file, which a run keeps; None without one."""

    @staticmethod
    def fit(text: str, config: LanguageText) -> LanguageEncoder:
        """Fit the vocabulary on the training text alone."""
        config = decided(config, text)
        assert config.tokens and config.eos is not None and config.min_count
        content = content_of(config.tokens)
        empty = LanguageEncoder(
            config.tokens, config.lowercase, config.eos, Vocabulary([]), content
        )
        seen = [token for token in empty.cut(text) if token not in SPECIAL]
        vocabulary = Vocabulary.fit([seen], config.min_count, config.max_vocab)
        return replace(empty, vocabulary=vocabulary.checked(config.min_count))

    @property
    def begin(self) -> int:
        """The token before the first one of a text: the end of a line, if that is a token."""
        return self.vocabulary.encode([self._end])[0]

    @property
    def _end(self) -> str:
        return EOS if self.eos else WITH_LINE_ENDS.get(self.tokens, "")

    def contents(self) -> list[str]:
        """Return the known tokens, without the end of a line."""
        return [token for token in self.vocabulary.tokens[len(SPECIAL) :] if token != self._end]

    @property
    def tokeniser(self) -> Tokeniser:
        """The tokeniser, which splits lines."""
        return find_tokeniser(self.tokens, self.lowercase, self.tokenizer)

    def cut(self, text: str) -> list[str]:
        """Split a text into tokens; <eos> stands for every line feed where lines end with it."""
        tokeniser = self.tokeniser
        if self.tokens in WITH_LINE_ENDS:
            return tokeniser.cut(text)
        found: list[str] = []
        for number, line in enumerate(text.split("\n")):
            if number and self.eos:
                found.append(EOS)
            found += tokeniser.cut(line)
        return found

    def encode(self, text: str) -> Ints:
        """Encode a text as token numbers, [n]."""
        return np.array(self.vocabulary.encode(self.cut(text)), dtype=np.int64)

    def restores(self, text: str) -> bool:
        """Return whether the tokens restore this text exactly.

        Unknown tokens are allowed only for characters and bytes, where `bits_of_unknown` counts
        what it takes to tell which ones they are.
        """
        if self.tokens in WITH_LINE_ENDS:
            return self.tokens == "bytes" or not self.lowercase or text == text.lower()
        lines: list[list[str]] = [[]]
        for token in self.vocabulary.decode(self.encode(text).tolist()):
            if token == EOS and self.eos:
                lines.append([])
            else:
                lines[-1].append(token)
        return "\n".join(self.tokeniser.join(line) for line in lines) == text

    def bits_of_unknown(self, numbers: Ints) -> float:
        """Return the bits that tell which characters or bytes the unknown tokens are.

        All characters or bytes are taken to be equally likely.
        """
        return int((numbers == UNKNOWN).sum()) * math.log2(_WHOLE_SETS.get(self.tokens, 1))

    def stream(self, numbers: Iterable[int], prompt: str = "") -> Iterator[str]:
        """Yield a piece of text for each token number, to be printed after the prompt."""
        if self.tokenizer is not None:
            yield from self._decoded(numbers, prompt)
            return
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        fresh = not prompt or prompt.endswith("\n")
        for number in numbers:
            token = self.vocabulary.tokens[number]
            if self.tokens == "bytes":
                known = number != UNKNOWN
                yield decoder.decode(bytes([int(token, 16)])) if known else "\ufffd"
            elif self.tokens == "characters":
                yield token if number != UNKNOWN else "\ufffd"
            elif token == EOS and self.eos:
                fresh = True
                yield "\n"
            else:
                yield token if fresh or self.tokens == "jieba" else f" {token}"
                fresh = False

    def _decoded(self, numbers: Iterable[int], prompt: str) -> Iterator[str]:
        """Yield what each token adds to the text of those before it on the line.

        The tokeniser's own decoder places the spaces. A character may take several tokens; it comes
        with the last of them.
        """
        join = self.tokeniser.join
        line = self.tokeniser.cut(prompt.split("\n")[-1])[-_SEEN:]
        shown = join(line)
        for number in numbers:
            token = self.vocabulary.tokens[number]
            if token == EOS and self.eos:
                line, shown = [], ""
                yield "\n"
                continue
            line.append(token)
            text = join(line)
            if text.endswith("\ufffd"):
                yield ""
                continue
            yield text[len(shown) :]
            line = line[-_SEEN:]
            shown = join(line)

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as plain values for JSON."""
        return {
            "tokens": self.tokens,
            "lowercase": self.lowercase,
            "eos": self.eos,
            "vocabulary": self.vocabulary.to_dict(),
            "tokenizer": self.tokenizer,
        }

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> LanguageEncoder:
        """Restore the encoder that `to_dict` wrote."""
        return LanguageEncoder(
            str(stored["tokens"]),
            bool(stored["lowercase"]),
            bool(stored["eos"]),
            Vocabulary.from_dict(stored["vocabulary"]),
            stored.get("tokenizer"),
        )
