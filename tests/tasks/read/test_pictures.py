"""Files of pictures, the ink in them, and what they look like."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from longshort.errors import DataError
from longshort.tasks.read.ink import ink_of, scaled, scaled_width
from longshort.tasks.read.looks import Looks, look_of
from longshort.tasks.read.picture import DamagedPicture, grey_from, grey_of
from tests.drawn_lines import picture, pictures, written


def saved(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def line(seed: int = 0, text: str = "water stone river") -> NDArray[np.uint8]:
    draw = np.random.default_rng(seed)
    return picture(written(text, draw), draw)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "CMYK"])
def test_pictures_of_every_kind_are_the_same_grey(mode: str) -> None:
    grey = np.where(line() > 128, 255, 0).astype(np.uint8)
    image = Image.fromarray(grey)
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode != "L":
        image = image.convert(mode)
    found = grey_from(saved(image, "TIFF" if mode == "CMYK" else "PNG"), "x.png")
    np.testing.assert_allclose(found, grey / 255, atol=0.01)


def test_what_is_transparent_is_paper() -> None:
    colours = np.zeros((20, 60, 4), dtype=np.uint8)
    colours[8:12, 10:50, 3] = 255
    found = grey_from(saved(Image.fromarray(colours)), "x.png")
    assert found[0, 0] == 1.0 and found[10, 20] == 0.0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"nothing", "it is damaged, or not a picture"),
        (saved(Image.fromarray(line()))[:200], "truncated|damaged"),
    ],
)
def test_a_damaged_file_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(
        DamagedPicture, match=f"pages/x.png: cannot be read as a picture .*{reason}"
    ):
        grey_from(content, "pages/x.png")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(5), "an array .height, width. or"),
        (np.zeros((0, 5)), "has no pixels"),
        (np.full((5, 5), 7.0), "values from 0"),
        (np.zeros((5, 5, 2)), "colours. is expected"),
    ],
)
def test_arrays_that_are_no_pictures(values: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^item 3: .*{message}"):
        grey_of(values, "item 3")


def test_whole_numbers_are_of_their_type_and_colours_are_grey() -> None:
    assert grey_of(np.full((2, 3), 255, np.uint8), "x").max() == 1.0
    assert grey_of(np.full((2, 3), 65535, np.uint16), "x").max() == 1.0
    assert grey_of(np.ones((2, 3, 3)), "x").shape == (2, 3)
    assert grey_of(np.zeros((2, 3), dtype=bool), "x").max() == 0.0


def test_paper_and_its_shades_are_no_ink() -> None:
    """Light that falls from one side changes the ink by little."""
    grey = line() / 255.0
    shaded = grey * np.linspace(1.0, 0.6, grey.shape[1])
    plain, other = (ink_of(each.astype(np.float32)).pixels / 255.0 for each in (grey, shaded))
    assert (plain > 0.5).mean() > 0.02
    assert np.abs(plain - other).mean() < 0.04
    assert np.median(plain) == 0.0


def test_inverted_pictures_have_the_same_ink() -> None:
    grey = (line() / 255.0).astype(np.float32)
    plain, inverted = ink_of(grey), ink_of(1.0 - grey)
    assert inverted.is_inverted and not plain.is_inverted
    assert np.abs(plain.pixels.astype(int) - inverted.pixels).mean() < 2


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_a_picture_of_one_colour_has_no_ink(value: float) -> None:
    found = ink_of(np.full((30, 90), value, dtype=np.float32))
    assert not found.pixels.any() and found.contrast == 0.0
    assert scaled(found.pixels, 20, straighten=True).shape == (20, 60)


def test_straight_lines_have_letters_of_one_size_at_one_height() -> None:
    """A line that is small, slopes and stands at the bottom becomes like the plain one."""
    plain = (line(3) / 255.0).astype(np.float32)
    height, width = plain.shape
    paper = float(np.median(plain))
    moved = np.full((2 * height + 20, width), paper, dtype=np.float32)
    for column in range(width):
        top = 10 + round(12 * column / width)
        moved[top : top + height, column] = plain[:, column]
    one, other = (scaled(ink_of(each).pixels, 32, straighten=True) for each in (plain, moved))
    assert abs(one.shape[1] - other.shape[1]) <= 0.1 * one.shape[1]
    columns = min(one.shape[1], other.shape[1])
    rows = [each[:, :columns].sum(1) / each[:, :columns].sum() for each in (one, other)]
    assert np.abs(rows[0] - rows[1]).sum() < 0.4
    unlike = scaled(ink_of(moved).pixels, 32, straighten=False)
    assert abs(unlike.shape[1] - one.shape[1]) > 0.3 * one.shape[1]


@pytest.mark.parametrize("straighten", [True, False])
def test_the_width_is_known_before(straighten: bool) -> None:
    pixels = ink_of((line() / 255.0).astype(np.float32)).pixels
    found = scaled(pixels, 24, straighten=straighten)
    assert found.shape == (24, scaled_width(pixels, 24, straighten=straighten))


def look(grey: NDArray[Any]) -> Any:
    return look_of(ink_of(grey_of(grey, "x")))


def sheared(grey: NDArray[np.uint8], slant: float) -> NDArray[np.uint8]:
    rows = [np.roll(row, round(slant * (len(grey) - y))) for y, row in enumerate(grey)]
    return np.stack(rows)


def test_slant_is_that_of_a_sheared_picture() -> None:
    plain = np.full((30, 120), 230, dtype=np.uint8)
    plain[4:26, 30:100:10] = 20
    assert abs(look(plain).slant) < 0.02
    assert look(sheared(plain, 0.5)).slant == pytest.approx(0.5, abs=0.1)
    assert look(sheared(plain, -0.5)).slant == pytest.approx(-0.5, abs=0.1)


CHANGES = {
    "contrast": lambda grey: (
        (235 - (235 - grey.astype(float)) * 0.15).clip(0, 255).astype(np.uint8)
    ),
    "slant": lambda grey: sheared(np.pad(grey, ((0, 0), (40, 40)), mode="edge"), 1.1),
    "thickness": lambda grey: _thick(grey),
    "height": lambda grey: np.repeat(np.repeat(grey, 3, 0), 3, 1),
    "inverted": lambda grey: 255 - grey,
}


def _thick(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    shifted = [np.roll(grey, (y, x), (0, 1)) for y in (-1, 0, 1, 2) for x in (-2, -1, 0, 1, 2)]
    return np.asarray(np.min(shifted, axis=0))


@pytest.mark.parametrize("what", CHANGES)
def test_pictures_unlike_those_of_training_are_named(what: str) -> None:
    usual = Looks.fit([look(each) for each in pictures(60)])
    same = [look(each) for each in pictures(20, seed=1)]
    places = [f"{i}.png" for i in range(20)]
    assert usual.compare(same, places, "new") == []
    strange = [look(CHANGES[what](each)) for each in pictures(20, seed=1)]
    found = usual.compare(strange, places, "new")
    codes = [each.code for each in found]
    assert f"looks-{what}" in codes
    said = next(each for each in found if each.code == f"looks-{what}")
    assert said.message.startswith("new: 20 of 20 pictures") and said.where[0] == "0.png"


def test_looks_come_back_from_their_record() -> None:
    usual = Looks.fit([look(each) for each in pictures(10)])
    assert Looks.from_dict(usual.to_dict()) == usual
