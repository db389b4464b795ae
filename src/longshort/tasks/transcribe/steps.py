"""Sessions of speech: a frame of features at each step, answered with the text so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from longshort.data.given_rows import values_of_row
from longshort.decoding.ctc import spelt
from longshort.runs.abilities import Context, Stepper
from longshort.runs.example_steps import MOST, channel_names, row_schema
from longshort.runs.state_steps import ADVANCE, FIRST, beside
from longshort.runtime.network import is_array
from longshort.runtime.tree import flatten
from longshort.tasks.transcribe.encoder import BLANK, SpeechArrays
from longshort.tasks.transcribe.inference import ModelOf, hear

SAYS = {"predicted": "the text so far"}


def speech_steps(model: ModelOf) -> Stepper:
    """Return the stepper of a model: from the state where that is enough, else from all frames.

    A state is enough for CTC by a network that reads in one direction, if each frame can be scaled
    without the others, and the search is greedy.
    """
    encoder, config = model.encoder, model.config
    is_framewise = encoder.normalise == "none" and encoder.deltas == 0
    is_greedy = encoder.language is None and config.write.beam in (None, 1)
    if config.model.head == "ctc" and model.callee.steps and is_framewise and is_greedy:
        return FrameStates(model)
    return FrameHistory(model)


class _Frames(Stepper):
    """Steps that are frames of features."""

    def __init__(self, model: ModelOf) -> None:
        self.model = model
        self.names = channel_names((), model.encoder.width)

    def frame(self, x: Any) -> Any:
        """Return a step as a row of features [1, F]."""
        return np.array([values_of_row(x, self.names)], np.float32)


class FrameHistory(_Frames):
    """The frames so far as one utterance, which is heard anew at each step."""

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        return row_schema(self.names, SAYS, MOST)

    def begin(self) -> Context:
        """Return no frames."""
        return np.empty((0, len(self.names)), np.float32)

    def advance(self, context: Context, x: Any) -> tuple[dict[str, Any], Context]:
        """Hear the frames with one more."""
        frames = np.concatenate([context, self.frame(x)])[-MOST:]
        arrays = SpeechArrays([self.model.encoder.scaled(frames)], [])
        return {"predicted": hear(self.model, arrays).texts[0]}, frames


class FrameStates(_Frames):
    """The state after the last whole step of the network, and the frames since.

    A context is the frames [n, F], the classes of the steps, and the network's state. An answer is
    that to the frames so far as a whole utterance, whose last step is filled up with zeros.
    """

    def __init__(self, model: ModelOf) -> None:
        super().__init__(model)
        self.patch = model.config.model.patch
        state = model.call(FIRST)
        self._first = tuple(flatten(state, is_array)[0])
        row = np.zeros((1, self.patch * len(self.names)), np.float32)
        self._advance = model.callee.bound(ADVANCE, row, state)

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        return row_schema(self.names, SAYS, None)

    def begin(self) -> Context:
        """Return the state before the first frame."""
        none = np.empty((0, len(self.names)), np.float32)
        return (none, np.empty(0, np.int64), self._first)

    def advance(self, context: Context, x: Any) -> tuple[dict[str, Any], Context]:
        """Go on from the state with one more frame."""
        before, path, state = context
        frames = np.concatenate([before, self.model.encoder.scaled(self.frame(x))])
        row = np.zeros((self.patch, frames.shape[1]), np.float32)
        row[: len(frames)] = frames
        scores, *after = self._advance((row.reshape(1, -1), *state))
        here = np.append(path, int(scores[0].argmax()))
        text = self.model.encoder.text(spelt(here.tolist(), blank=BLANK))
        if len(frames) < self.patch:
            return {"predicted": text}, (frames, path, state)
        return {"predicted": text}, (frames[:0], _shortened(here), tuple(after))


def _shortened(path: Any) -> Any:
    """Return a path of classes without steps that spell nothing."""
    keep = np.append(path[1:] != path[:-1], True)
    return path[keep]


def rehearse_frames(model: ModelOf, arrays: SpeechArrays) -> None:
    """Advance a few utterances by a step, for an export to record, where that is possible."""
    if model.config.model.head != "ctc" or not model.callee.steps:
        return
    size = model.config.model.patch * arrays.items[0].shape[1]
    state = model.call(FIRST)
    row = np.zeros((1, size), np.float32)
    count = beside([*flatten(state, is_array)[0], row])
    several = {"layers": tuple(np.repeat(each, count, 1) for each in state["layers"])}
    model.call(ADVANCE, np.repeat(row, count, 0), several)
