"""Frames of video files; needs the extra `video`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from longshort.errors import DataError
from longshort.tasks.frames.clips import Clip
from longshort.tasks.frames.config import FramesData
from longshort.tasks.frames.pictures import as_frame

KINDS = (".mp4", ".mpg", ".mpeg", ".avi", ".mov", ".mkv", ".webm")


def read(path: Path, config: FramesData) -> Clip:
    """Read the frames of a video's first stream; raises `DataError` if it is cut off."""
    try:
        import av  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise DataError(
            f"{path}: reading videos needs av; install it with: pip install 'longshort[video]'"
        ) from None
    frames = []
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise DataError(f"{path}: has no pictures; give a video")
            told = container.streams.video[0].frames
            for frame in container.decode(video=0):
                frames.append(as_frame(_image(frame), config))
    except (av.FFmpegError, OSError, ValueError) as error:
        count = f" after {len(frames)} frames" if frames else ""
        raise DataError(f"{path}: the video is cut off or damaged{count} ({error})") from None
    if not frames or len(frames) < told:
        raise DataError(
            f"{path}: the video is cut off: {len(frames)} frames can be read"
            + (f" of the {told} that it tells of" if told else "")
        )
    return Clip(path.name, np.stack(frames))


def _image(frame: Any) -> Any:
    """Return a frame of the decoder as an image of pillow."""
    return frame.to_image()
