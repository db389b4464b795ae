"""Subwords by byte-pair encoding, from the library sentencepiece."""

from __future__ import annotations

import base64
import binascii
import io
import warnings
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from typing import Any

from longshort.errors import ConfigError, DataError, RunError

_SPACE = "▁"
"""Character that stands for a space in a subword."""
_MOST, _FEWEST = 8_000, 500
_LETTERS_EACH = 400
"""Characters of training text for each subword, by which the default number is chosen."""
_BYTES = 4 + 256
"""Number of subwords that always exist: the special ones, and one for each byte."""
_COVERED = 0.9995
"""Largest share of all characters that get a subword; others are written as bytes."""
_LEAST_COVERED = 0.98


class Subwords:
    """A coder of frequent pieces of words; a character without a piece is written as its bytes.

    So every text has tokens and is restored, except that the character ▁ itself becomes a space.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model

    @staticmethod
    def fit(texts: Sequence[str], size: int | None) -> Subwords:
        """Fit on texts; `size` is the largest number of subwords, None for the default.

        Raises `DataError` if there is no text, or if `size` is too small for its characters.
        """
        library, counts = _library(), Counter("".join(texts))
        if not counts:
            raise DataError("the training text is empty: there is nothing to find subwords in")
        most = _usual_size(counts) if size is None else size
        written = io.BytesIO()
        library.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=written,
            model_type="bpe",
            vocab_size=most,
            hard_vocab_limit=False,
            pad_id=0,
            unk_id=1,
            bos_id=2,
            eos_id=3,
            byte_fallback=True,
            character_coverage=_coverage(counts, most),
            normalization_rule_name="identity",
            max_sentence_length=1 << 30,
            num_threads=1,  # stored in the model, which must be the same on every machine
            minloglevel=2,
        )
        return Subwords(written.getvalue())

    def __len__(self) -> int:
        return int(self._pieces.vocab_size())

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text's subwords."""
        found: list[int] = self._pieces.encode(text)
        return found

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the text of these subwords; bytes that form no character become �."""
        return str(self._pieces.decode(list(numbers)))

    def tokens(self, numbers: Sequence[int]) -> list[str]:
        """Return the subwords with these numbers; ▁ is a space."""
        return [str(self._pieces.id_to_piece(number)) for number in numbers]

    def unknown(self, text: str) -> list[str]:
        """Return the characters of a text that have no subword and are written as bytes."""
        return [letter for letter in text if letter not in self._letters]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"model": base64.b64encode(self._model).decode()}

    @staticmethod
    def from_dict(stored: object) -> Subwords:
        """Return the subwords that `to_dict` wrote; raises `RunError` for damaged values."""
        model = stored.get("model") if isinstance(stored, dict) else None
        try:
            return Subwords(base64.b64decode(model or "", validate=True))
        except (binascii.Error, TypeError, ValueError):
            raise RunError(
                "data.json: damaged: a model of subwords is expected, as base64 under 'model'"
            ) from None

    @cached_property
    def _pieces(self) -> Any:
        """The library's processor, loaded on first use, so that runs can be read without it."""
        library = _library()
        try:
            return library.SentencePieceProcessor(model_proto=self._model)
        except RuntimeError:
            raise RunError("data.json: damaged: its model of subwords cannot be read") from None

    @cached_property
    def _letters(self) -> frozenset[str]:
        pieces = self._pieces
        whole = (n for n in range(4, len(self)) if not pieces.is_byte(n))
        found = {letter for n in whole for letter in pieces.id_to_piece(n)}
        return frozenset(found | {" "})


def _usual_size(counts: Counter[str]) -> int:
    """Return the default number of subwords: few for little text, but enough for its characters."""
    fitting = max(_FEWEST, counts.total() // _LETTERS_EACH, _BYTES + 2 * len(counts))
    return min(_MOST, fitting)


def _coverage(counts: Counter[str], size: int) -> float:
    """Return the share of characters that get a subword, at most half of the free numbers.

    The other half is left for pairs. Raises `DataError` if too many characters get none.
    """
    room = max(0, (size - _BYTES) // 2)
    covered = sum(count for _, count in counts.most_common(room)) / counts.total()
    if covered < _LEAST_COVERED:
        raise DataError(
            f"text.size: {size:,} subwords are too few for the {len(counts):,} characters of the "
            f"training text; allow {_BYTES + 2 * len(counts):,}, or use the tokens 'characters'"
        )
    return min(_COVERED, covered)


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own, about its own code
            return import_module("sentencepiece")
    except ImportError:
        raise ConfigError(
            "text.tokens: sentencepiece is not installed; pip install 'longshort[text]', or use "
            "'words', or 'characters' for scripts without spaces"
        ) from None
