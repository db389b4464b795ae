"""Report of captions: how new and varied they are, where the network looks, examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.cider import cider
from longshort.report.sections import Line, Note, Passage, Picture, Section, Span, Table
from longshort.runs.decoded import length_penalty
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.runs.writing import Written
from longshort.tasks.caption.config import CaptionConfig
from longshort.tasks.caption.encoder import CaptionEncoder
from longshort.tasks.caption.pictures import attention_grid, contact_sheet, find_images
from longshort.tasks.caption.samples import Captioned
from longshort.tasks.caption.scoring import novelty, plain, words_used

CaptionResult = Result[CaptionConfig, Captioned, CaptionEncoder, Written]
_SHOWN, _LOOKED, _SHEET = 6, 3, 12


def sections(result: CaptionResult) -> list[Section]:
    """Return how the captions are written, where the network looks, and examples."""
    samples, written = result.scored.samples, result.scored.predictions[MODEL]
    each = cider(written.texts, samples.references or [])
    order = np.argsort(each, kind="stable").tolist()
    middle = order[max(0, len(order) // 2 - _SHOWN // 2) :][:_SHOWN]
    note = Note("The test images with the lowest CIDEr, which counts rare words most.")
    return [
        _writing(result),
        *_looks(samples, written, result.config.data.images),
        Section("Typical captions", [_passage(samples, written, middle, each)]),
        Section("Where it is worst", [_passage(samples, written, order[:_SHOWN], each), note]),
        *_sheet(samples, written, order, result.config.data.images),
    ]


def _writing(result: CaptionResult) -> Section:
    """Vocabulary, novelty and length of the model's captions and of its baselines'."""
    samples, found = result.scored.samples, result.scored.predictions
    train = result.splits.train
    known = {plain(text) for text in train.captions}
    rows = [["", "no training caption", "words used", "words a caption"]]
    for name in (MODEL, *result.scored.baselines):
        texts = found[name].texts
        lengths = [len(plain(text).split()) for text in texts]
        shares = [f"{novelty(texts, known):.1%}", f"{words_used(texts):,}"]
        rows.append([name, *shares, f"{np.mean(lengths):.1f}"])
    cut = sum(each[0].is_cut for each in found[MODEL].targets)
    note = (
        f"The known captions use {words_used(samples.captions):,} words. {cut:,} of "
        f"{len(samples):,} captions were cut at the greatest length."
    )
    if result.config.write.beam > 1:
        note += f" Length penalty: {length_penalty(result.model):g}."
    return Section("How it writes", [Table(rows), Note(note)])


def _looks(samples: Captioned, written: Written, folder: str | None) -> list[Section]:
    """Where the network looks for each word, of a few images."""
    usable = [i for i, each in enumerate(written.targets) if each[0].attention is not None]
    usable = [i for i in usable if 2 < len(written.targets[i][0].tokens) <= 16]
    chosen = usable[:: max(1, len(usable) // _LOOKED)][:_LOOKED]
    if not chosen:
        return []
    images = find_images([samples.images[i] for i in chosen], folder)
    pictures = []
    for number, i in enumerate(chosen):
        best = written.targets[i][0]
        assert best.attention is not None
        figure = attention_grid(best.attention, best.tokens, images.get(samples.images[i]))
        pictures.append(Picture(f"attention{number}", figure, 640))
    note = Note("Bright is where the network looked for each word.")
    return [Section("Where it looks", [*pictures, note])]


def _sheet(
    samples: Captioned, written: Written, order: Sequence[int], folder: str | None
) -> list[Section]:
    """Images with their captions, from the worst to the best, where the images are given."""
    images = find_images(samples.images, folder)
    there = [i for i in order if samples.images[i] in images]
    if not there:
        return []
    places = np.linspace(0, len(there) - 1, min(_SHEET, len(there))).astype(int)
    shown = [there[place] for place in places.tolist()]
    figure = contact_sheet(
        [images[samples.images[i]] for i in shown], [written.texts[i] for i in shown]
    )
    note = Note(
        f"From the worst to the best by CIDEr, of the {len(there):,} test images in {folder}."
    )
    return [Section("Images and captions", [Picture("sheet", figure, 900), note])]


def _passage(
    samples: Captioned, written: Written, rows: Sequence[int], each: NDArray[Any]
) -> Passage:
    lines = []
    for row in rows:
        wanted = (samples.references or [])[row]
        lines += [
            Line([Span(written.texts[row])], f"{samples.images[row]}, {each[row]:.2f}"),
            *(Line([Span(text, "#dff0e5")], "wanted") for text in wanted[:2]),
        ]
    return Passage(lines)
