"""Porter's stemmer for English, which published ROUGE scores use.

Porter (1980), "An algorithm for suffix stripping", with the later changes of NLTK, so that stems
are the same as there: irregular words are listed, "dies" and "died" become "die", and a final "y"
becomes "i" only after a consonant.
"""

from __future__ import annotations

from functools import lru_cache

Rules = dict[str, str]
"""Endings and their replacements; each comes before any shorter ending that it ends with itself."""

_IRREGULAR = {
    "skies": "sky", "sky": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news",
    "innings": "inning", "inning": "inning", "outings": "outing", "outing": "outing",
    "cannings": "canning", "canning": "canning", "howe": "howe", "proceed": "proceed",
    "exceed": "exceed", "succeed": "succeed",
}  # fmt: skip
_PLURAL = {"sses": "ss", "ies": "i", "ss": "ss", "s": ""}
_DERIVED = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble",
    "alli": "al", "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate",
    "ator": "ate", "alism": "al", "iveness": "ive", "fulness": "ful", "ousness": "ous",
    "aliti": "al", "iviti": "ive", "biliti": "ble", "fulli": "ful",
}  # fmt: skip
_FORMED = {
    "icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": "",
}  # fmt: skip
_LAST = dict.fromkeys(
    ("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ou", "ism",
     "ate", "iti", "ous", "ive", "ize"), ""
)  # fmt: skip


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return the stem of a word in lower case; words of up to two letters are not changed."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    word = _without_y(_without_tense(_without_plural(word)))
    word = _replace(_without_derivation(word), _FORMED, 1)
    return _without_e(_without_last(word))


def _shape(word: str) -> str:
    """Return "c" for each consonant of a word and "v" for each vowel.

    "y" is a vowel after a consonant, else a consonant.
    """
    shape = ""
    for letter in word:
        vowel = letter in "aeiou" or (letter == "y" and shape.endswith("c"))
        shape += "v" if vowel else "c"
    return shape


def _measure(word: str) -> int:
    """Return how many times vowels are followed by consonants, Porter's measure of a word."""
    return _shape(word).count("vc")


def _replace(word: str, rules: Rules, least: int) -> str:
    """Replace the first ending that fits, if the rest of the word has at least this measure."""
    for ending, other in rules.items():
        if word.endswith(ending):
            start = word.removesuffix(ending)
            return start + other if _measure(start) >= least else word
    return word


def _without_plural(word: str) -> str:
    return word[:-1] if len(word) == 4 and word.endswith("ies") else _replace(word, _PLURAL, 0)


def _without_tense(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) else word
    for ending in ("ed", "ing"):
        start = word.removesuffix(ending)
        if start != word and "v" in _shape(start):
            return _mended(start)
    return word


def _mended(start: str) -> str:
    """Restore the "e" that "-ed" or "-ing" removed, or remove the letter that they doubled."""
    if start.endswith(("at", "bl", "iz")):
        return start + "e"
    if start[-1:] == start[-2:-1] and _shape(start).endswith("c"):
        return start if start[-1] in "lsz" else start[:-1]
    return start + "e" if _measure(start) == 1 and _is_short(start) else start


def _is_short(word: str) -> bool:
    """Return whether a word ends in a short syllable, or is a vowel and a consonant.

    A short syllable is a consonant, a vowel, and a consonant other than w, x and y.
    """
    shape = _shape(word)
    return shape == "vc" or (shape.endswith("cvc") and word[-1] not in "wxy")


def _without_y(word: str) -> str:
    follows = len(word) > 2 and _shape(word[:-1]).endswith("c")
    return word[:-1] + "i" if word.endswith("y") and follows else word


def _without_derivation(word: str) -> str:
    if word.endswith("alli") and _measure(word[:-4]):
        return _without_derivation(word[:-2])
    if word.endswith("logi"):
        return word[:-1] if _measure(word[:-3]) else word
    return _replace(word, _DERIVED, 1)


def _without_last(word: str) -> str:
    if word.endswith("ion"):
        return word[:-3] if _measure(word[:-3]) > 1 and word[-4] in "st" else word
    return _replace(word, _LAST, 2)


def _without_e(word: str) -> str:
    """Remove a silent "e" from the end of a word, and one "l" of two."""
    if word.endswith("e"):
        start = word[:-1]
        measure = _measure(start)
        word = start if measure > 1 or (measure == 1 and not _is_short(start)) else word
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
