"""Clips as people have them, and what is said of broken ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from longshort.config import build_as
from longshort.errors import DataError
from longshort.runs import story
from longshort.tasks.frames.config import FramesConfig
from longshort.tasks.frames.pictures import gif_of
from longshort.tasks.frames.source import read_clips, read_labelled, read_new, read_splits
from tests.tasks.frames.made import squares

TINY = {"hidden": 2, "inputs": 3, "outputs": 2}


def config(**tables: Any) -> FramesConfig:
    found = build_as(FramesConfig, {"task": "frames", **tables})
    assert isinstance(found, FramesConfig)
    return found


def shapes(data: object, **settings: Any) -> list[tuple[int, ...]]:
    return [clip.frames.shape for clip in read_clips(data, config(data=settings).data).clips]


def images(folder: Path, frames: np.ndarray) -> Path:
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"f{number}.png")
    return folder


def gif(path: Path, frames: np.ndarray) -> Path:
    shown = [Image.fromarray(frame) for frame in frames]
    shown[0].save(path, save_all=True, append_images=shown[1:])
    return path


def test_arrays_of_any_number_of_axes(tmp_path: Path) -> None:
    clips = squares(3)
    assert shapes(clips) == [(8, 12, 12, 1)] * 3
    assert shapes(clips[0]) == [(8, 12, 12, 1)]
    assert shapes(clips[..., None].repeat(3, -1)) == [(8, 12, 12, 3)] * 3
    assert shapes(clips[0][..., None].repeat(3, -1)) == [(8, 12, 12, 3)]
    assert shapes(clips[..., :3], axes="NTYX") == [(8, 12, 3, 1)] * 3
    assert shapes(list(clips)) == [(8, 12, 12, 1)] * 3
    assert shapes(clips, every=2) == [(4, 12, 12, 1)] * 3
    np.save(tmp_path / "a.npy", clips)
    assert shapes(tmp_path / "a.npy") == [(8, 12, 12, 1)] * 3
    np.savez(tmp_path / "b.npz", frames=clips, time=np.arange(8))
    assert shapes(tmp_path / "b.npz") == [(8, 12, 12, 1)] * 3
    assert shapes(tmp_path / "b.npz", array="frames") == [(8, 12, 12, 1)] * 3


def test_a_folder_of_images_is_a_clip_in_natural_order(tmp_path: Path) -> None:
    frames = squares(1, steps=12)[0]
    found = read_clips(images(tmp_path / "clip", frames), config().data).clips
    assert len(found) == 1 and np.array_equal(found[0].frames[..., 0], frames)


def test_a_folder_of_folders_gifs_and_arrays(tmp_path: Path) -> None:
    clips = squares(3)
    images(tmp_path / "set" / "one", clips[0])
    gif(tmp_path / "set" / "two.gif", clips[1])
    np.save(tmp_path / "set" / "three.npy", clips[2])
    found = {clip.name: clip.frames for clip in read_clips(tmp_path / "set", config().data).clips}
    for name, clip in zip(("one", "two.gif", "three.npy"), clips, strict=True):
        assert np.array_equal(found[name][..., 0], clip), name


def test_images_are_brought_to_a_size_and_keep_colours_if_asked(tmp_path: Path) -> None:
    folder = images(tmp_path / "clip", squares(1)[0])
    assert shapes(folder, size="6x4") == [(8, 6, 4, 1)]
    assert shapes(folder, colour=True) == [(8, 12, 12, 3)]


def test_windows_are_read_and_followed() -> None:
    settings = config(model=TINY, data={"step": 2})
    windows = read_splits({"train": squares(2)}, settings)["train"]
    assert windows.starts.tolist() == [[0, 0], [0, 2], [1, 0], [1, 2]]
    assert windows.places[1] == "data, clip 0, frame 2"
    assert read_labelled(squares(1), settings).length == 5
    new = read_new(squares(1), settings)
    assert new.starts.tolist() == [[0, 5]] and new.outputs == 0


def test_lengths_are_halves_of_short_clips() -> None:
    windows = read_splits({"train": squares(3)}, config())["train"]
    assert (windows.inputs, windows.outputs) == (4, 4)


def broken(tmp_path: Path) -> dict[str, tuple[object, dict[str, Any], str]]:
    """Each broken source with settings, and what has to be said of it."""
    clip = squares(1)[0]
    torn = gif(tmp_path / "torn.gif", squares(1, size=40)[0])
    torn.write_bytes(torn.read_bytes()[:-60])
    sizes = images(tmp_path / "sizes", clip)
    Image.fromarray(clip[0][:5]).save(sizes / "f3.png")
    (tmp_path / "none").mkdir()
    (tmp_path / "inner" / "empty").mkdir(parents=True)
    (tmp_path / "text.png.d").mkdir()
    (tmp_path / "text.png.d" / "a.png").write_text("no image")
    nan, far = clip.astype(float), clip.astype(float)
    nan[2, 3, 4], far[2, 3, 4] = np.nan, 300
    np.save(tmp_path / "objects.npy", np.array([None, 1], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "two.npz", a=clip, b=clip)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "objects.npy").read_bytes()[:20])
    (tmp_path / "notes.txt").write_text("x")
    return {
        "size": (sizes, {}, r"f3.png: has 5 x 12 pixels, and f0.png 12 x 12; .* set --size"),
        "clips": ([clip, clip[:, :5]], {}, r"clip 1 has frames of 5 x 12 pixels .* one size"),
        "gif": (torn, {}, r"torn.gif: the GIF is cut off or damaged"),
        "empty": (tmp_path / "none", {}, r"none: the folder holds no frames; put images into it"),
        "inner": (tmp_path / "inner", {}, r"empty: the folder holds no frames"),
        "image": (tmp_path / "text.png.d", {}, r"a.png: cannot be read as an image"),
        "gone": (tmp_path / "gone", {}, r"gone: no such file or folder"),
        "kind": (tmp_path / "notes.txt", {}, r"notes.txt: no kind of clip .* allowed: .npy"),
        "nan": (nan, {}, r"frame 2, row 3, column 4: nan is not finite"),
        "high": (far, {"high": 255}, r"row 3, column 4: 300 is above data.high = 255"),
        "low": (-far, {"low": 0}, r"is below data.low = 0 \(and \d+ more\)"),
        "objects": (tmp_path / "objects.npy", {}, r"objects.npy: .* is damaged, or holds objects"),
        "cut": (tmp_path / "cut.npy", {}, r"cut.npy: cannot be read as an array"),
        "two": (tmp_path / "two.npz", {}, r"holds 2 arrays \(a, b\); name one with --set data"),
        "unnamed": (tmp_path / "two.npz", {"array": "c"}, r"no array 'c'; there are a, b"),
        "flat": (np.zeros((4, 4)), {}, r"got the shape 4 x 4"),
        "axes": (clip, {"axes": "NTYX"}, r"an array N, T, Y, X is expected"),
        "words": (np.array([[["a"]]]), {}, r"numbers are expected, got <U1"),
        "number": (7, {}, r"a list of arrays .* or a path is expected, got int"),
    }


BROKEN = [
    "size", "clips", "gif", "empty", "inner", "image", "gone", "kind", "nan", "high", "low",
    "objects", "cut", "two", "unnamed", "flat", "axes", "words", "number",
]  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken_sources_are_named(case: str, tmp_path: Path) -> None:
    data, settings, said = broken(tmp_path)[case]
    with pytest.raises(DataError, match=said):
        read_clips(data, config(data=settings).data)


def test_clips_shorter_than_a_window_are_named() -> None:
    settings = config(model={**TINY, "inputs": 7})
    with pytest.raises(DataError, match=r"clip 0: has 8 frames, and 7 to read and 2 to forecast"):
        read_splits({"train": squares(3)}, settings)
    with pytest.raises(DataError, match=r"has 8 frames, and 9 to read are needed"):
        read_new(squares(1), config(model={**TINY, "inputs": 9}))
    with pytest.raises(DataError, match=r"has 8 frames, and 5 are needed in each of 3 parts"):
        story.prepare({"task": "frames", "model": TINY}, squares(1)[0])


def test_splits_of_other_sizes_are_named() -> None:
    with pytest.raises(DataError, match=r"frames of 10 x 10 .* are in the test split, and of 12"):
        read_splits({"train": squares(3), "test": squares(3, size=10)}, config())


def test_one_colour_and_values_beyond_the_range_are_found() -> None:
    clips = squares(10).astype(np.float32)
    clips[4] = 7.0
    found = story.check({"task": "frames", "split": {"seed": 0}}, clips)
    assert [each.code for each in found] == ["one_colour"]
    assert "clip 4: all pixels of all frames have the value 7" in found[0].message
    far = squares(12).astype(np.float32)[:, :4].reshape(1, -1, 12, 12)[0]
    far[-2] = 900
    found = story.check({"task": "frames", "model": TINY}, far)
    assert [each.code for each in found] == ["range"] and "to 900" in found[0].message


def test_a_truncated_video_is_named(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for frame in squares(1, size=32)[0]:
            image = av.VideoFrame.from_ndarray(frame, format="gray")
            container.mux(stream.encode(image.reformat(format="yuv420p")))
        container.mux(stream.encode())
    assert shapes(path) == [(8, 32, 32, 1)]
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(DataError, match=r"clip.mp4: the video is cut off"):
        read_clips(path, config().data)


def test_a_gif_that_is_written_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(gif_of(list(squares(2)[..., None])))
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) == 8
