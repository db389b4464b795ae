"""Reading of clips: arrays, .npy and .npz files, folders of images, GIFs and videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from longshort.data.findings import Finding
from longshort.errors import DataError, counted
from longshort.tasks.frames import arrays, pictures, video
from longshort.tasks.frames.clips import Clip, Windows, too_short, windows_of
from longshort.tasks.frames.config import FramesConfig, FramesData
from longshort.tasks.frames.reading import Read, digest_of, naturally

_USUAL, _MANY = 10, 3_000
"""Frames that are read where nothing else is said, and windows that are enough."""


def read_splits(given: Mapping[str, object], config: FramesConfig) -> dict[str, Windows]:
    """Read the clips of each source, and divide them into windows of one length."""
    found = {name: read_clips(source, config.data) for name, source in given.items()}
    inputs, outputs = _lengths(found["train"], config)
    step = config.data.step or _step(found["train"], inputs + outputs)
    windows = {name: _windows(read, inputs, outputs, step) for name, read in found.items()}
    for name, each in windows.items():
        if each.shape != windows["train"].shape:
            raise DataError(
                f"{each.name}: frames of {_size(each.shape)} are in the {name} split, and of "
                f"{_size(windows['train'].shape)} in the training split; give one size, or --size"
            )
    return windows


def read_labelled(data: object, config: FramesConfig) -> Windows:
    """Read windows with the frames that follow; `config` is decided."""
    model, read = config.model, read_clips(data, config.data)
    assert model.inputs is not None and model.outputs is not None
    return _windows(read, model.inputs, model.outputs, config.data.step or 1)


def read_new(data: object, config: FramesConfig) -> Windows:
    """Read the last frames of each clip, of which no more is known; `config` is decided."""
    inputs, read = config.model.inputs, read_clips(data, config.data)
    assert inputs is not None
    lengths = [len(clip.frames) for clip in read.clips]
    for clip, count in zip(read.clips, lengths, strict=True):
        if count < inputs:
            raise DataError(too_short(clip.name, count, inputs, 0))
    starts = np.array([(n, count - inputs) for n, count in enumerate(lengths)], np.int64)
    return Windows(read.name, read.clips, starts, inputs, 0, read.path, read.sha256, read.findings)


def read_clips(data: object, config: FramesData) -> Read:
    """Read clips of one size of frames; raises `DataError` that names clip, frame and place."""
    if isinstance(data, (str, Path)):
        found = _of_path(Path(data), config)
    else:
        clips = arrays.of_memory(data, config.axes)
        found = Read("data", clips, None, None)
    clips = tuple(Clip(c.name, c.frames[:: config.every]) for c in found.clips)
    _refuse_sizes(found.name, clips)
    findings = [*found.findings]
    for clip in clips:
        arrays.refuse_values(clip, config)
        findings += _one_colour(clip)
    return Read(found.name, clips, found.path, found.sha256, tuple(findings))


def _of_path(path: Path, config: FramesData) -> Read:
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if path.is_dir():
        return _of_folder(path, config)
    return Read(path.name, tuple(_of_file(path, config)), str(path), digest_of([path]))


def _of_file(path: Path, config: FramesData) -> Sequence[Clip]:
    """Read one file: an array of several clips, or a GIF or video that is one."""
    suffix = path.suffix.lower()
    if suffix in arrays.KINDS:
        return arrays.read(path, config.axes, config.array)
    if suffix == ".gif":
        return [pictures.read_gif(path, config)]
    if suffix in video.KINDS:
        return [video.read(path, config)]
    allowed = ", ".join((*arrays.KINDS, ".gif", *video.KINDS))
    raise DataError(
        f"{path}: no kind of clip is known by this name; allowed: {allowed}, or a folder"
    )


def _of_folder(path: Path, config: FramesData) -> Read:
    """Read a folder: of images, which are one clip, or of files and folders that are clips."""
    images = [each for each in naturally(path) if each.suffix.lower() in pictures.KINDS]
    if images:
        clip = pictures.read_images(path, images, config)
        return Read(path.name, (clip,), str(path), digest_of(images))
    kinds = (*arrays.KINDS, ".gif", *video.KINDS)
    inner = [each for each in naturally(path) if each.is_dir() or each.suffix.lower() in kinds]
    if not inner:
        raise DataError(
            f"{path}: the folder holds no frames; put images into it "
            f"({', '.join(pictures.KINDS)}), a folder of them for each clip, or files of clips "
            f"({', '.join(kinds)})"
        )
    clips: list[Clip] = []
    files: list[Path] = []
    for each in inner:
        found = naturally(each) if each.is_dir() else [each]
        if each.is_dir():
            shown = [file for file in found if file.suffix.lower() in pictures.KINDS]
            if not shown:
                raise DataError(
                    f"{each}: the folder holds no frames; put images into it, or remove it"
                )
            clips.append(pictures.read_images(each, shown, config))
            files += shown
        else:
            clips += _of_file(each, config)
            files.append(each)
    return Read(path.name, tuple(clips), str(path), digest_of(files))


def _refuse_sizes(name: str, clips: Sequence[Clip]) -> None:
    first = clips[0]
    for clip in clips:
        if clip.frames.shape[1:] != first.frames.shape[1:]:
            raise DataError(
                f"{name}: {clip.name} has frames of {_size(clip.frames.shape[1:])}, and "
                f"{first.name} of {_size(first.frames.shape[1:])}; bring them to one size"
            )


def _size(shape: Sequence[int]) -> str:
    rows, columns, channels = shape
    return f"{rows} x {columns} pixels in {counted(channels, 'channel')}"


def _one_colour(clip: Clip) -> list[Finding]:
    """Find clips in which nothing is to be seen."""
    if clip.frames.min() != clip.frames.max():
        return []
    text = f"{clip.name}: all pixels of all frames have the value {clip.frames.flat[0]:g}"
    return [
        Finding("one_colour", "warning", text, (), "nothing can be learned from it; leave it out")
    ]


def _windows(read: Read, inputs: int, outputs: int, step: int) -> Windows:
    source: dict[str, Any] = {"path": read.path, "sha256": read.sha256, "findings": read.findings}
    return windows_of(read.name, read.clips, inputs, outputs, step, **source)


def _lengths(train: Read, config: FramesConfig) -> tuple[int, int]:
    """Return how many frames are read and forecast: as the settings say, or halves of a clip."""
    shortest = min(len(clip.frames) for clip in train.clips)
    parts = 2 if len(train.clips) > 2 else 10  # a single clip is cut into splits
    inputs = config.model.inputs or max(1, min(_USUAL, shortest // parts))
    return inputs, config.model.outputs or inputs


def _step(train: Read, length: int) -> int:
    count = sum(max(0, len(clip.frames) - length + 1) for clip in train.clips)
    return max(1, -(-count // _MANY)) if count > len(train.clips) else 1
