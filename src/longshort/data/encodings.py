"""Detection of a text file's encoding: by byte order mark, as UTF-8, or by language.

Nearly every legacy encoding can decode nearly every file, as nonsense. A decoding is therefore
scored by how well a single language explains it: letters in the usual positions, and more common
characters than rare ones. Where two encodings score alike and give different texts, an error asks
the user.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from longshort.data.findings import Finding
from longshort.data.languages import LANGUAGES, score_of
from longshort.errors import DataError, nearest

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; that of UTF-32 LE begins with that of UTF-16 LE."""
_SAMPLE = 1 << 16
"""Number of bytes of non-ASCII lines on which decodings are compared."""
_SURE, _MARGIN = 0.75, 0.08
"""Least score of a decoding, and least margin over the next one that gives another text."""
_USUAL = ("utf-8", "utf-16", "cp1252", "cp1250", "cp1251", "koi8-r", "gb18030", "big5", "cp932")


@dataclass(frozen=True)
class Encoding:
    """An encoding and how it was detected; empty for plain UTF-8."""

    name: str
    how: str = ""

    @property
    def is_utf8(self) -> bool:
        """Whether the bytes are UTF-8, apart from a byte order mark."""
        return self.name in ("utf-8", "utf-8-sig")

    def note(self) -> str:
        """A remark on the encoding for people; empty for UTF-8."""
        if self.is_utf8:
            return ""
        return f"read as {self.name}, {self.how}"

    def findings(self) -> tuple[Finding, ...]:
        """A finding on any encoding but UTF-8."""
        if not self.note():
            return ()
        fix = "name another with --encoding if letters come out wrong, or save the file as UTF-8"
        return (Finding("encoding", "note", self.note(), (), fix),)


UTF8 = Encoding("utf-8")


def find_encoding(source: object, raw: bytes, asked: str | None = None) -> Encoding:
    """Return the encoding of a file's content `raw`: the one asked for, or the detected one.

    Raises `DataError` with line, byte and remedy for content that is binary, not in the encoding
    asked for, or ambiguous.
    """
    if asked is not None:
        return _as_asked(source, raw, asked)
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _checked(source, raw, Encoding(name, "by its byte order mark"))
    wide = _of_two_bytes(raw) if b"\0" in raw else None
    if wide is not None:
        return _checked(source, raw, Encoding(wide, "by where its zero bytes stand"))
    fault = _not_utf8(raw)
    if fault is None:
        return UTF8
    if b"\0" in raw:
        line = raw[: raw.index(0)].count(b"\n") + 1
        raise DataError(f"{source}: holds binary data (a zero byte near line {line}), no text")
    return _by_trial(source, raw, fault)


def decoded_text(source: object, raw: bytes, encoding: Encoding) -> str:
    """Return the decoded text without a byte order mark; raises `DataError` with line and byte."""
    try:
        return raw.decode(encoding.name).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, byte = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise DataError(
            f"{source}: line {line}: byte {byte} of the line ({raw[error.start]:#04x}) is not "
            f"{encoding.name}; name another encoding with --encoding, or correct the file"
        ) from None


def known_encoding(name: str) -> str:
    """Return Python's name of an encoding; raises `DataError` for an unknown one."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        codec = None
    if codec is None or not getattr(codec, "_is_text_encoding", True):
        raise DataError(f"data.encoding: {name!r} is not known; {nearest(name, _USUAL)}")
    return codec.name


def _as_asked(source: object, raw: bytes, asked: str) -> Encoding:
    name = known_encoding(asked)
    for mark, marked in _MARKS:
        if raw.startswith(mark) and not name.startswith(marked.removesuffix("-sig")):
            raise DataError(
                f"{source}: begins with the mark of {marked}, and data.encoding is {asked!r}; "
                "leave it out"
            )
    if name == "utf-8":
        name = "utf-8-sig"
    how = "as asked"
    if not name.startswith("utf") and not raw.isascii() and _not_utf8(raw) is None:
        how = "as asked, though it is valid UTF-8"
    return _checked(source, raw, Encoding(name, how))


def _checked(source: object, raw: bytes, encoding: Encoding) -> Encoding:
    decoded_text(source, raw, encoding)
    return encoding


def _of_two_bytes(raw: bytes) -> str | None:
    """Detect UTF-16 without a byte order mark: many zero bytes, all at even or all at odd places.

    There must be line ends too, as in texts.
    """
    head = raw[:_SAMPLE]
    if not any(end in head for end in (b"\n\0", b"\0\n")):
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    many, few = max(even, odd), min(even, odd)
    if len(raw) % 2 or many <= 20 * few or many * 20 <= len(head):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _not_utf8(raw: bytes) -> UnicodeDecodeError | None:
    if raw.isascii():
        return None
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return error
    return None


def _by_trial(source: object, raw: bytes, fault: UnicodeDecodeError) -> Encoding:
    """Return the encoding with the best score; raises `DataError` if another one is as good."""
    sample = _striking_lines(raw)
    readings = []
    for name in dict.fromkeys(language.encoding for language in LANGUAGES):
        try:
            text = sample.decode(name)
        except UnicodeDecodeError:
            continue
        readings.append((score_of(text, name), name, text))
    readings.sort(key=lambda reading: -reading[0])
    others = [r for r in readings[1:] if r[2] != readings[0][2]] if readings else []
    if readings and readings[0][0] >= _SURE:
        score, name, _ = readings[0]
        if not others or score - others[0][0] >= _MARGIN:
            try:
                return _checked(source, raw, Encoding(name, "by how its text reads"))
            except DataError:
                others = []
    raise DataError(_doubt(source, raw, fault, readings[:1] + others[:1]))


def _doubt(
    source: object, raw: bytes, fault: UnicodeDecodeError, readings: list[tuple[float, str, str]]
) -> str:
    before = raw[: fault.start]
    line, byte = before.count(b"\n") + 1, fault.start - before.rfind(b"\n")
    cell = raw[fault.start - min(byte - 1, 8) : fault.start + 8].split(b"\n")[0].rstrip(b"\r")
    ways = " or ".join(
        f"{name} (…{cell.decode(name, 'replace')!r}…)"
        for score, name, _ in readings
        if score >= _SURE / 2
    )
    likely = f"it may be {ways}; " if ways else ""
    example = readings[0][1] if ways else "NAME"
    return (
        f"{source}: line {line}: byte {byte} of the line ({raw[fault.start]:#04x}) is not UTF-8; "
        f"{likely}name the encoding with --encoding {example} (or data.encoding), or save the "
        "file as UTF-8"
    )


def _striking_lines(raw: bytes) -> bytes:
    """Return distinct lines with non-ASCII bytes, up to the size of a sample."""
    found: dict[bytes, None] = {}
    size = 0
    for line in raw.split(b"\n"):
        if not line.isascii() and line not in found:
            found[line] = None
            size += len(line)
            if size > _SAMPLE:
                break
    return b"\n".join(found)
