"""The page's reading of texts, in Node, beside the encoder's."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from longshort.data.grams import RICH, Grams
from longshort.data.sequences import shortened
from longshort.data.tokens import find_tokeniser
from longshort.data.vocabulary import Vocabulary

TEXTS = [
    "The cat's mat, 3 times: don't!",
    "ÄÖÜ straße  naïve\ttab\nline <unk> x_1 $%",
    "数据 中文 문장 हिन्दी e\u0301",
    "",
    "a a b a 😀 the the the the",
]
_ASK = """
const { page, texts } = JSON.parse(require("fs").readFileSync(0));
const text = new Text(page);
const grams = (t) => (page.blocks ? text.grams(t) : null);
console.log(JSON.stringify(texts.map((t) => [text.cut(t), text.sequence(t), grams(t)])));
"""


def in_node(page: dict[str, Any]) -> list[Any]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node to run the page's script")
    script = files("longshort.report").joinpath("web/text.js").read_text("utf-8") + _ASK
    given = json.dumps({"page": page, "texts": TEXTS})
    done = subprocess.run([node, "-e", script], input=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("tokens", ["words", "spaces", "characters", "bytes"])
def test_texts_are_cut_and_numbered_as_by_the_encoder(tokens: str, lowercase: bool) -> None:
    cut = find_tokeniser(tokens, lowercase).cut
    known = Vocabulary.fit(map(cut, TEXTS[:3]), 1, 30)
    page = {"tokens": tokens, "lowercase": lowercase, "vocabulary": known.tokens, "steps": 7}
    for text, (own, numbers, _) in zip(TEXTS, in_node(page), strict=True):
        assert own == cut(text)
        assert numbers == shortened(known.encode(cut(text)), 7)


def test_ngrams_have_the_encoders_weights() -> None:
    grams = Grams.fit([*TEXTS, *TEXTS], RICH, 200)
    page = {
        "tokens": "words",
        "lowercase": False,
        "vocabulary": ["<pad>", "<unk>"],
        "steps": 9,
        "units": [list(block) for block in grams.kind.blocks],
        "blocks": [list(block) for block in grams.blocks],
        "idf": [list(block) for block in grams.idf],
        "most_grams": 500,
    }
    expected = grams.bags(TEXTS).dense()
    for row, (*_, own) in zip(expected, in_node(page), strict=True):
        dense = np.zeros(grams.width)
        dense[own["grams"]] = own["weights"]
        np.testing.assert_allclose(dense, row, atol=1e-9)
