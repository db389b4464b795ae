"""Texts as tokens and back, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from longshort.errors import ConfigError, DataError, nearest

NAMES = ("words", "spaces", "characters", "bytes", "jieba")
_WORD = re.compile(r"<unk>|\w+(?:['’]\w+)*|[^\w\s]")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True)
class Tokeniser:
    """Cuts texts into tokens."""

    name: str
    cut: Callable[[str], list[str]]
    join: Callable[[Sequence[str]], str]


def find_tokeniser(name: str, lowercase: bool = False) -> Tokeniser:
    """The tokeniser of that name, `tokenizer:FILE` for a file of Hugging Face's tokenizers.

    words: runs of letters and digits, and single marks; spaces: what stands between white space;
    characters; bytes: of UTF-8, written as two hexadecimal digits; jieba: Chinese words.
    """
    kind, _, file = name.partition(":")
    if kind == "tokenizer":
        return _from_file(name, Path(file))
    if file or kind not in NAMES:
        raise ConfigError(
            f"text.tokens: {name!r} is not known; {nearest(kind, NAMES)}, or tokenizer:FILE"
        )
    cut, join = _KINDS[kind]
    if kind == "jieba":
        _jieba()
    return Tokeniser(name, (lambda text: cut(text.lower())) if lowercase else cut, join)


def suited(texts: Sequence[str]) -> str:
    """ "words" for scripts that put spaces between words, "characters" for others."""
    seen = "".join(texts[:1000])
    letters = sum(letter.isalpha() for letter in seen)
    return "characters" if 2 * len(_UNSPACED.findall(seen)) > letters else "words"


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _characters(text: str) -> list[str]:
    return list(text)


def _bytes(text: str) -> list[str]:
    return [f"{byte:02x}" for byte in text.encode()]


def _from_bytes(tokens: Sequence[str]) -> str:
    known = [int(token, 16) for token in tokens if len(token) == 2]
    return bytes(known).decode(errors="replace")


def _jieba() -> Callable[[str], list[str]]:
    try:
        jieba: Any = import_module("jieba")
    except ImportError:
        raise ConfigError(
            "text.tokens: jieba is not installed; pip install jieba, or use 'characters'"
        ) from None
    jieba.setLogLevel("WARNING")
    cut: Callable[[str], list[str]] = jieba.lcut
    return cut


_KINDS: dict[str, tuple[Callable[[str], list[str]], Callable[[Sequence[str]], str]]] = {
    "words": (_words, " ".join),
    "spaces": (str.split, " ".join),
    "characters": (_characters, "".join),
    "bytes": (_bytes, _from_bytes),
    "jieba": (lambda text: _jieba()(text), "".join),
}


def _from_file(name: str, path: Path) -> Tokeniser:
    try:
        tokenizers: Any = import_module("tokenizers")
    except ImportError:
        raise ConfigError(
            "text.tokens: tokenizers is not installed; pip install tokenizers, or use 'words'"
        ) from None
    if not path.is_file():
        raise DataError(f"{path}: no such tokenizer file; give tokenizer:PATH/tokenizer.json")
    try:
        loaded = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises this very class
        raise DataError(f"{path}: is not a tokenizer file: {error}") from None

    def cut(text: str) -> list[str]:
        found: list[str] = loaded.encode(text, add_special_tokens=False).tokens
        return found

    def join(tokens: Sequence[str]) -> str:
        numbers = [loaded.token_to_id(token) for token in tokens]
        text: str = loaded.decode([number for number in numbers if number is not None])
        return text

    return Tokeniser(name, cut, join)
