"""Files in any usual encoding are read as what they say, or the person is asked."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from longshort.config.sequences import SequenceData
from longshort.data.encodings import find_encoding
from longshort.data.labelled_source import read_examples
from longshort.data.textfiles import read_text
from longshort.errors import DataError
from longshort.tasks.language.running import read_running
from longshort.tasks.tag.config import TagData
from longshort.tasks.tag.source import read_sentences

Write = Callable[[str, str | bytes], Path]

TEXTS = {
    "cp1252": [
        "Datum;Umsatz;Filiale\n2024-01-01;5,5;München\n2024-01-02;6,5;Köln Süd\n",
        "date,ville,température\n2024-01-01,Besançon,5\n2024-01-02,Orléans où\n",
        "dato,by\n1,København\n2,Århus\n3,Malmö\n",
        "day,price\n2024-01-01,5€\n2024-01-02,6€\n",
        "comment\nit’s “fine” – really\n",
    ],
    "cp1250": [
        "data,miasto\n1,Wrocław\n2,Kraków Łódź\n3,Gdańsk\n",
        "datum,město\n1,Plzeň\n2,Příbram\n3,České Budějovice\n",
    ],
    "cp1251": ["дата,город,продажи\n1,Москва,5\n2,Казань,6\n"],
    "koi8-r": ["дата,город,продажи\n1,Москва,5\n2,Казань,6\n"],
    "cp1253": ["ημερομηνία,πωλήσεις\n1,Αθήνα\n"],
    "gb18030": ["日期,销量,门店\n2024-01-01,5,北京\n2024-01-02,6,上海\n", "时间,温度,湿度\n"],
    "big5": ["日期,銷售量,門市\n2024-01-01,5,台北\n2024-01-02,6,高雄\n"],
    "cp932": ["日付,売上,店舗\n2024-01-01,5,東京\n", "カテゴリ,テキスト\nスポーツ,これはテスト\n"],
    "euc_jp": ["日付,売上,店舗\n2024-01-01,5,東京\n2024-01-02,6,おおさか\n"],
    "cp949": ["날짜,매출,지점\n2024-01-01,5,서울\n2024-01-02,6,부산\n"],
}


@pytest.mark.parametrize(
    ("encoding", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts]
)
def test_legacy_encodings_are_found_and_said(encoding: str, text: str, write: Write) -> None:
    found = read_text(write("x.csv", text.encode(encoding)))
    assert "\n".join(found.lines) + "\n" == text
    assert found.encoding.note().startswith("read as ")


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_utf_16_is_known_by_its_mark_or_its_zero_bytes(
    mark: bytes, codec: str, write: Write
) -> None:
    text = "ds,y\n2024-01-01,größer 北京\n2024-01-02,6\n"
    path = write("x.csv", mark + text.encode(codec))
    assert read_text(path).lines == text.splitlines()


def test_utf_8_needs_no_word(write: Write) -> None:
    assert read_text(write("x.txt", "größer, 北京\n")).encoding.note() == ""


@pytest.mark.parametrize(
    ("raw", "ways"),
    [
        ("Crème\n".encode("cp1252"), ("cp1252 (…'Crème'…)", "cp1250 (…'Crčme'…)")),
        ("1,satış\n".encode("cp1254"), ("cp1252 (…'1,satýþ'…)", "cp1254 (…'1,satış'…)")),
    ],
)
def test_what_two_encodings_explain_is_asked_for(raw: bytes, ways: tuple[str, ...]) -> None:
    with pytest.raises(DataError) as caught:
        find_encoding("x.csv", raw)
    assert all(way in str(caught.value) for way in ways)
    assert "--encoding cp1252" in str(caught.value)


def test_what_no_language_explains_is_refused_with_line_and_byte() -> None:
    with pytest.raises(DataError, match=r"x\.csv: line 2: byte 3 of the line \(0x81\) is not UTF"):
        find_encoding("x.csv", b"ds,y\n1,\x81ller\n")


def test_an_encoding_is_taken_as_asked() -> None:
    assert find_encoding("x", "Crème".encode("cp1252"), "cp1250").name == "cp1250"
    assert "as asked, though it is valid UTF-8" in find_encoding("x", "ö".encode(), "cp1252").note()


@pytest.mark.parametrize(
    ("raw", "asked", "message"),
    [
        (b"abc", "cp1225", "'cp1225' is not known; did you mean 'cp1252'"),
        (b"abc", "base64", "'base64' is not known"),
        (codecs.BOM_UTF16_LE + b"a\0", "cp1252", "begins with the mark of utf-16"),
        (b"a\nb\xff", "utf-8", "line 2: byte 2 of the line (0xff) is not utf-8"),
        (b"PK\x03\x04\x00\xff\x00abc", None, "binary data (a zero byte near line 1)"),
    ],
)
def test_impossible_encodings_are_explained(raw: bytes, asked: str | None, message: str) -> None:
    with pytest.raises(DataError) as caught:
        find_encoding("x", raw, asked)
    assert message in str(caught.value)


def test_running_text_is_read_in_its_encoding(tmp_path: Path) -> None:
    text = "Grüße aus Köln\nund Übersee\n" * 50
    path = tmp_path / "x.txt.gz"
    path.write_bytes(gzip.compress(text.encode("cp1252")))
    found = read_running(path)
    assert found.text == text
    assert [each.message for each in found.findings] == ["read as cp1252, by how its text reads"]
    (asked,) = read_running(path, "latin-1").findings
    assert asked.message == "read as iso8859-1, as asked"


def koeln(suffix: str) -> str:
    """A labelled file of two labels in which every text has letters beyond ASCII."""
    rows = [("schön", "München grüßt Köln"), ("gut", "Über Zürich hört man Größe")] * 20
    if suffix == ".csv":
        return "text,label\n" + "".join(f"{text},{label}\n" for label, text in rows)
    return "".join(f"{label} {text}\n" for label, text in rows)


@pytest.mark.parametrize("suffix", [".csv", ".txt"])
def test_labelled_texts_are_read_and_the_encoding_said(suffix: str, write: Write) -> None:
    path = write(f"x{suffix}", koeln(suffix).encode("cp1252"))
    sides = {} if suffix == ".csv" else {"label_side": "first", "delimiter": " "}
    found = read_examples(path, SequenceData(**sides))
    assert found.items[0] == "München grüßt Köln"
    assert "encoding" in [finding.code for finding in found.findings]
    forced = read_examples(path, SequenceData(encoding="cp1251", **sides))
    assert forced.items[0] != found.items[0]


def test_tagged_sentences_are_read_and_the_encoding_said(write: Write) -> None:
    text = "München B-LOC\ngrüßt O\n\nKöln B-LOC\n"
    found = read_sentences(write("x.conll", text.encode("cp1252")), TagData())
    assert found.tokens == [["München", "grüßt"], ["Köln"]]
    assert [finding.code for finding in found.findings] == ["encoding"]
