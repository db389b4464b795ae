"""Texts as token numbers: what goes in comes out."""

from __future__ import annotations

import gzip
import json
import random
import sys
from pathlib import Path

import pytest

from longshort.config.parallel import TokenKind
from longshort.data.coding import BEGIN, END, PADDING, UNKNOWN, TextCoder, suited_kind
from longshort.errors import ConfigError, DataError, RunError

TEXTS = [
    'He said: "Don\'t (ever) do that!"',
    "Zwei Männer -- groß & klein -- essen für 3,50 €.",
    "A  tab\tand  two   spaces ",
    "<s> is no <unk>, and </s> ends nothing",
    "e\u0301 and é, naïve; 3.14-2",
    "",
]
CHINESE = ["我喜欢看书。", "你好，“世界”！", "他有3本书。"]
KINDS: tuple[TokenKind, ...] = ("subwords", "words", "characters")


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("texts", [TEXTS, CHINESE], ids=["latin", "chinese"])
def test_training_texts_come_back(kind: TokenKind, texts: list[str]) -> None:
    coder = TextCoder.fit(texts, kind)
    assert [coder.decode(coder.encode(text)) for text in texts] == [plain(t) for t in texts]


@pytest.mark.parametrize("kind", KINDS)
def test_any_training_text_comes_back(kind: TokenKind) -> None:
    draw = random.Random(0)
    letters = "abcXYZ ,.'\"-–é中文\u3000\u00a0\n😀\u200bא3<>_\u2047\u0301"
    texts = ["".join(draw.choices(letters, k=draw.randrange(30))) for _ in range(300)]
    coder = TextCoder.fit(texts, kind)
    assert [coder.decode(coder.encode(text)) for text in texts] == [plain(t) for t in texts]


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_has_a_special_token(kind: TokenKind) -> None:
    coder = TextCoder.fit(TEXTS, kind)
    assert min(number for text in TEXTS for number in coder.encode(text)) > END


@pytest.mark.parametrize("kind", KINDS)
def test_decoding_stops_at_the_end(kind: TokenKind) -> None:
    coder = TextCoder.fit(["one two", "three"], kind)
    numbers = [BEGIN, *coder.encode("one two"), END, *coder.encode("three"), PADDING]
    assert coder.decode(numbers) == "one two"
    assert coder.tokens(numbers) == coder.tokens(coder.encode("one two"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_coder_is_kept_as_json(kind: TokenKind) -> None:
    coder = TextCoder.fit(TEXTS, kind)
    again = TextCoder.from_dict(json.loads(json.dumps(coder.to_dict())))
    assert (again.kind, len(again)) == (kind, len(coder))
    assert [again.encode(text) for text in TEXTS] == [coder.encode(text) for text in TEXTS]


@pytest.mark.parametrize("kind", KINDS)
def test_fitting_twice_gives_the_same(kind: TokenKind) -> None:
    assert TextCoder.fit(TEXTS, kind).to_dict() == TextCoder.fit(TEXTS, kind).to_dict()


def test_tokens_show_spaces() -> None:
    words = TextCoder.fit(["a (b) c"], "words")
    assert words.tokens(words.encode("a (b) c")) == ["▁a", "▁(", "b", ")", "▁c"]
    letters = TextCoder.fit(["a b"], "characters")
    assert letters.tokens(letters.encode("a b")) == ["a", "▁", "b"]


def test_words_are_the_same_at_the_begin_and_inside() -> None:
    coder = TextCoder.fit(["now or never", "never now"], "words")
    assert coder.encode("now") == coder.encode("never now")[1:]


def test_rare_words_are_unknown() -> None:
    coder = TextCoder.fit(["a cat", "a dog"], "words", min_count=2)
    assert coder.encode("a cat")[1] == UNKNOWN and coder.unknown("a cat") == ["cat"]
    assert coder.decode(coder.encode("a cat")) == "a <unk>"


def test_the_number_of_words_can_be_limited() -> None:
    coder = TextCoder.fit(["a a a b b c"], "words", size=6)
    assert len(coder) == 6 and coder.unknown("a b c") == ["c"]


def test_unknown_characters() -> None:
    coder = TextCoder.fit(CHINESE, "characters")
    assert coder.unknown("我爱书") == ["爱"]
    assert coder.decode(coder.encode("我爱书")) == "我<unk>书"


def test_subwords_write_unknown_characters_as_bytes() -> None:
    coder = TextCoder.fit(TEXTS, "subwords")
    assert coder.decode(coder.encode("日本 kn")) == "日本 kn"
    assert coder.unknown("日 kn") == ["日"]


def test_the_number_of_subwords_can_be_chosen() -> None:
    texts = [f"number {n} of {n * n}" for n in range(500)]
    assert len(TextCoder.fit(texts, "subwords", size=400)) == 400


def test_too_few_subwords_for_the_script_are_refused() -> None:
    texts = ["".join(map(chr, range(0x4E00, 0x4E00 + 400)))]
    with pytest.raises(DataError, match=r"text\.size: 300 subwords are too few for the 400 char"):
        TextCoder.fit(texts, "subwords", size=300)


def test_subwords_of_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="the training text is empty"):
        TextCoder.fit(["", " "], "subwords")


def test_words_of_which_none_is_frequent_are_refused() -> None:
    with pytest.raises(DataError, match="no token that is frequent enough"):
        TextCoder.fit(["a b"], "words", min_count=2)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = TextCoder.fit(TEXTS, "subwords").to_dict()
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    message = r"pip install 'longshort\[text\]', or use 'words', or 'characters'"
    with pytest.raises(ConfigError, match=message):
        TextCoder.fit(TEXTS, "subwords")
    with pytest.raises(ConfigError, match=message):
        TextCoder.from_dict(stored).encode("a")


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"kind": "letters"}, "tokens are expected, of the kind"),
        (None, "tokens are expected, of the kind"),
        ({"kind": "words"}, "a vocabulary is expected"),
        ({"kind": "subwords", "model": "?"}, "a model of subwords is expected"),
    ],
)
def test_damaged_coders_are_refused(stored: object, message: str) -> None:
    with pytest.raises(RunError, match=message):
        TextCoder.from_dict(stored)


def test_a_damaged_model_is_refused() -> None:
    coder = TextCoder.from_dict({"kind": "subwords", "model": "AAAA"})
    with pytest.raises(RunError, match="its model of subwords cannot be read"):
        coder.encode("a")


def test_the_kind_follows_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (suited_kind(TEXTS), suited_kind(CHINESE)) == ("subwords", "characters")
    monkeypatch.setattr("longshort.data.coding.find_spec", lambda name: None)
    assert suited_kind(TEXTS) == "words"


# Real data


def captions(folder: Path, language: str) -> list[str]:
    path = folder / "multi30k" / f"train.{language}.gz"
    return gzip.decompress(path.read_bytes()).decode().splitlines()


@pytest.mark.parametrize("kind", KINDS)
def test_captions_come_back(kind: TokenKind, real_data: Path) -> None:
    texts = captions(real_data, "de")[:5000] + captions(real_data, "en")[:5000]
    coder = TextCoder.fit(texts, kind)
    assert [coder.decode(coder.encode(text)) for text in texts] == [plain(t) for t in texts]


@pytest.mark.parametrize("kind", ["subwords", "characters"])
def test_chinese_comes_back(kind: TokenKind, real_data: Path) -> None:
    content = gzip.decompress((real_data / "cmn_en" / "cmn.tsv.gz").read_bytes()).decode()
    texts = [line.split("\t")[1] for line in content.split("\n") if line]
    coder = TextCoder.fit(texts, kind)
    assert [coder.decode(coder.encode(text)) for text in texts] == [plain(t) for t in texts]
