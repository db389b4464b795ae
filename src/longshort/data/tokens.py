"""Tokenisers by name."""

from __future__ import annotations

import re
import warnings
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
    """Cuts texts into tokens, and joins tokens to texts."""

    name: str
    cut: Callable[[str], list[str]]
    join: Callable[[Sequence[str]], str]


def find_tokeniser(name: str, lowercase: bool = False, content: str | None = None) -> Tokeniser:
    """Return the tokeniser of that name.

    words: runs of letters and digits, and single other characters. spaces: runs without white
    space. characters. bytes: of UTF-8, written as two hexadecimal digits. jieba: Chinese words.
    tokenizer:FILE: a file of Hugging Face's tokenizers.

    lowercase: has no effect on bytes and on files, which define that themselves. content: that of
    the tokeniser's file, where it is known already. Raises `ConfigError` for an unknown name.
    """
    kind, _, file = name.partition(":")
    if kind == "tokenizer":
        return _from_content(name, content_of(name) or "" if content is None else content)
    if file or kind not in NAMES:
        raise ConfigError(
            f"text.tokens: {name!r} is not known; {nearest(kind, NAMES)}, or tokenizer:FILE"
        )
    cut, join = _KINDS[kind]
    if kind == "jieba":
        _jieba()
    is_folded = lowercase and kind != "bytes"
    return Tokeniser(name, (lambda text: cut(text.lower())) if is_folded else cut, join)


def in_full(name: str) -> str:
    """Return the name with the absolute path of its file, if it has one."""
    kind, colon, file = name.partition(":")
    return f"{kind}:{Path(file).absolute()}" if colon else name


def content_of(name: str) -> str | None:
    """Return the content of a tokeniser's file, which a run keeps; None without a file."""
    kind, _, file = name.partition(":")
    if kind != "tokenizer":
        return None
    path = Path(file)
    if not path.is_file():
        raise DataError(f"{path}: no such tokenizer file; give tokenizer:PATH/tokenizer.json")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is not a tokenizer file: {error}") from None


def suited(texts: Sequence[str]) -> str:
    """Return "words" for scripts with spaces between words, "characters" for others."""
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own, about its own code
            jieba: Any = import_module("jieba")
    except ImportError:
        raise ConfigError(
            "text.tokens: jieba is not installed; pip install 'longshort[chinese]', or use "
            "'characters'"
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


def _from_content(name: str, content: str) -> Tokeniser:
    try:
        tokenizers: Any = import_module("tokenizers")
    except ImportError:
        raise ConfigError(
            "text.tokens: tokenizers is not installed; pip install 'longshort[tokenizers]', or use "
            "'words'"
        ) from None
    try:
        loaded = tokenizers.Tokenizer.from_str(content)
    except Exception as error:  # the library raises this very class
        raise DataError(f"{name}: is not a tokenizer file: {error}") from None

    def cut(text: str) -> list[str]:
        found: list[str] = loaded.encode(text, add_special_tokens=False).tokens
        return found

    def join(tokens: Sequence[str]) -> str:
        numbers = [loaded.token_to_id(token) for token in tokens]
        text: str = loaded.decode([number for number in numbers if number is not None])
        return text

    return Tokeniser(name, cut, join)
