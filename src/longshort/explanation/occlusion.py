"""Attributions by hiding: occlusion of blocks, and Shapley values of stretches of time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.explanation.asking import answers
from longshort.explanation.attribution import Attribution, spread
from longshort.explanation.baselines import baseline_inputs
from longshort.runs.explaining import Floats, Question

_BLOCKS, _GROUPS = 48, 20
"""Most stretches of time of an occlusion, and of Shapley values."""
_TOKENS = 512
_DRAWS, _ORDERS = 8, 32


def occlusion(question: Question, baseline: str, seed: int) -> Attribution:
    """Hide one block at a time: a stretch of one feature; the value is what the answer loses.

    A block takes the values of the baseline, the mean over several where rows are drawn. Effects
    of blocks do not add up to the answer where blocks work together, which the error of the sum
    says.
    """
    blocks = _blocks(question)
    rows = baseline_inputs(question, baseline, seed, _DRAWS)
    hidden = _with_cells(question, rows, blocks)
    score = float(answers(question, question.inputs[None])[0])
    effects = score - answers(question, hidden).reshape(len(blocks), len(rows)).mean(1)
    reference = float(answers(question, rows).mean())
    steps = _block_size(question)
    note = f"blocks of {steps} step{'s' * (steps > 1)} of one feature"
    drawn = seed if len(rows) > 1 else None
    values = spread(question, blocks, effects)
    return Attribution("occlusion", baseline, values, score, reference, 0.0, drawn, note)


def shapley(question: Question, baseline: str, seed: int) -> Attribution:
    """Shapley values of at most 20 stretches of time, by drawn orders (Castro et al., 2009).

    Stretches enter in a drawn order and in its reverse; a value is the mean of what the answer
    gains. All cells of a stretch share its value.
    """
    groups = _groups(question)
    rows = baseline_inputs(question, baseline, seed, 2 * _ORDERS)
    draw = np.random.default_rng(seed)
    gains = np.zeros((2 * _ORDERS, len(groups)))
    references = []
    for number in range(_ORDERS):
        order = draw.permutation(len(groups))
        for turn, each in enumerate((order, order[::-1])):
            place = 2 * number + turn
            path = _entering(question, rows[place % len(rows)], groups, each)
            found = answers(question, path)
            gains[place, each] = np.diff(found)
            references.append(found[0])
    score = float(answers(question, question.inputs[None])[0])
    values = spread(question, groups, gains.mean(0))
    note = f"{len(groups)} stretches, {2 * _ORDERS} orders"
    reference = float(np.mean(references))
    return Attribution("shap", baseline, values, score, reference, 0.0, seed, note)


def _blocks(question: Question) -> list[NDArray[np.int64]]:
    """Return the cells of each block, as flat numbers; cells that do not exist are left out."""
    steps, features = question.inputs.shape
    numbers = np.arange(steps * features).reshape(steps, features)
    size = _block_size(question)
    found = []
    for begin in range(0, steps, size):
        for feature in range(features):
            stretch = slice(begin, begin + size)
            cells = numbers[stretch, feature][question.exists[stretch, feature]]
            if len(cells):
                found.append(cells)
    return found


def _block_size(question: Question) -> int:
    """Return the steps of a block; tokens are hidden one by one."""
    return -(-len(question.inputs) // (_TOKENS if question.is_text else _BLOCKS))


def _groups(question: Question) -> list[NDArray[np.int64]]:
    steps, features = question.inputs.shape
    numbers = np.arange(steps * features).reshape(steps, features)
    pieces = np.array_split(np.arange(steps), min(_GROUPS, steps))
    cells = [numbers[piece][question.exists[piece]] for piece in pieces]
    return [each for each in cells if len(each)]


def _with_cells(question: Question, rows: Floats, blocks: list[NDArray[np.int64]]) -> Floats:
    """Return the row once for each block and baseline row, with the block's cells taken from it."""
    flat = rows.reshape(len(rows), -1)
    found = np.tile(question.inputs.reshape(-1), (len(blocks), len(rows), 1))
    for number, cells in enumerate(blocks):
        found[number][:, cells] = flat[:, cells]
    return found.reshape(-1, *question.inputs.shape)


def _entering(
    question: Question, start: Floats, groups: list[NDArray[np.int64]], order: NDArray[np.int64]
) -> Floats:
    """Return inputs [G + 1, T, F]: a baseline row that one stretch after the other enters."""
    whole = question.inputs.reshape(-1)
    now = start.reshape(-1).copy()
    path = [now.copy()]
    for group in order:
        now[groups[group]] = whole[groups[group]]
        path.append(now.copy())
    return np.stack(path).reshape(-1, *question.inputs.shape)
