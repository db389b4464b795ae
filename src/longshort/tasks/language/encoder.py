"""How a text becomes token numbers and back; the vocabulary is the training split's."""

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
"""Tokens before the next one that tell how it is written."""
WITH_LINE_ENDS = {"characters": "\n", "bytes": "0a"}
"""Tokenisers for which the end of a line is a token like any other."""
_WHOLE_SETS = {"characters": 0x110000, "bytes": 256}
"""How many there are of them at all."""


def decided(text: LanguageText, train: str) -> LanguageText:
    """The settings with what they leave open; raises `ConfigError` for what contradicts itself.

    `train`: the training text. Nothing could be learned of the unknown token if it never occurred
    there, and how it is expected at the test would be chance. So words that occur once are unknown,
    unless the text marks unknown words itself.
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
    """How text becomes token numbers, fitted on the training split."""

    tokens: str
    lowercase: bool
    eos: bool
    """Whether a token <eos> ends each line."""
    vocabulary: Vocabulary
    tokenizer: str | None = None
    """Content of the tokeniser's file, where it has one: a run keeps it."""

    @staticmethod
    def fit(text: str, config: LanguageText) -> LanguageEncoder:
        """From the training text alone."""
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
        """The token that a text is read after: the end of a line, where that is one."""
        return self.vocabulary.encode([self._end])[0]

    @property
    def _end(self) -> str:
        return EOS if self.eos else WITH_LINE_ENDS.get(self.tokens, "")

    def contents(self) -> list[str]:
        """The tokens that are known, without the end of a line."""
        return [token for token in self.vocabulary.tokens[len(SPECIAL) :] if token != self._end]

    @property
    def tokeniser(self) -> Tokeniser:
        """Of lines."""
        return find_tokeniser(self.tokens, self.lowercase, self.tokenizer)

    def cut(self, text: str) -> list[str]:
        """The tokens of a text; <eos> stands for every line feed where lines end with it."""
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
        """Token numbers [n]."""
        return np.array(self.vocabulary.encode(self.cut(text)), dtype=np.int64)

    def restores(self, text: str) -> bool:
        """Whether the tokens, put together again, are this text; none may be unknown then.

        Those of characters and bytes may, since `bits_of_unknown` tell them.
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
        """That tell which characters or bytes the unknown ones are: each like every other."""
        return int((numbers == UNKNOWN).sum()) * math.log2(_WHOLE_SETS.get(self.tokens, 1))

    def stream(self, numbers: Iterable[int], prompt: str = "") -> Iterator[str]:
        """A piece of text for each token number as they come, to be printed behind the prompt."""
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
        """What each token adds to the text of those before it on the line.

        A tokeniser's file says itself where spaces stand, and a character may take several tokens:
        until the last one comes, nothing is told of it.
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
        """Plain values for JSON."""
        return {
            "tokens": self.tokens,
            "lowercase": self.lowercase,
            "eos": self.eos,
            "vocabulary": self.vocabulary.to_dict(),
            "tokenizer": self.tokenizer,
        }

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> LanguageEncoder:
        """What `to_dict` gave."""
        return LanguageEncoder(
            str(stored["tokens"]),
            bool(stored["lowercase"]),
            bool(stored["eos"]),
            Vocabulary.from_dict(stored["vocabulary"]),
            stored.get("tokenizer"),
        )
