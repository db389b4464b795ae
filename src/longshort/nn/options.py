"""Keyword options of all recurrent layers: names, types, meanings and defaults.

Layers take them as `**options: Unpack[LayerOptions]`, so that type checkers and editors know each
one. `chosen` refuses unknown ones, and `shows_options` adds them to the signature that `help`
shows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TypedDict, TypeVar, get_type_hints

from longshort.errors import ArgumentTypeError, nearest

Rates = float | Mapping[str, float]


class LayerOptions(TypedDict, total=False):
    """Keyword options of every layer, in addition to the arguments of torch's layers.

    `merge`: outputs of both directions side by side ("concat") or added ("sum").
    `residual`: a layer's input is added to its output, where both have the same width.
    `learn_initial_state`: the state before the first step is a parameter instead of 0.
    `zoneout`: probability that a unit keeps its old state, one for h and c or by name, such as
    {"h": 0.05, "c": 0.5} (Krueger et al., 2017).
    `recurrent_dropout`: rate of dropout with one mask per sequence on x and on the recurrent input,
    also written "gal:<rate>" (Gal & Ghahramani, 2016); "semeniuta:<rate>" drops values of the
    candidate at every step (Semeniuta et al., 2016).
    `weight_dropout`: rate of dropout on every recurrent matrix, with one mask per forward pass
    (Merity et al., 2018).
    `init`: initial weights, "recommended", "torch" or "chrono:<T>", see `longshort.nn.initialise`.
    `checkpoint`: the backward pass computes the values inside of a scan anew, segment by segment,
    instead of keeping those of all steps (Chen et al., 2016): True for segments of the square root
    of the number of steps, or their length. The memory for them becomes that of one segment, for
    one more forward pass. On the CPU gradients have the same bits as without, on other backends
    they are equal up to rounding.
    `truncate`: in training, gradients flow back to the beginning of a segment of so many steps, and
    not from its state to the segment before, as in truncated backpropagation through time (Williams
    & Peng, 1990); the last segment takes the rest and so has up to twice as many. Values are
    computed anew as by `checkpoint`. None, and in evaluation mode: through all steps.
    `backend`: "auto", "native", "triton" or "torch", see `Recurrent.backend_report`. With each of
    them second derivatives, forward mode and transforms of torch.func run the equations in torch
    operations, which is slower.
    """

    merge: str
    residual: bool
    learn_initial_state: bool
    zoneout: Rates
    recurrent_dropout: float | str
    weight_dropout: float
    init: str
    checkpoint: bool | int
    truncate: int | None
    backend: str


DEFAULTS = LayerOptions(
    merge="concat",
    residual=False,
    learn_initial_state=False,
    zoneout=0.0,
    recurrent_dropout=0.0,
    weight_dropout=0.0,
    init="recommended",
    checkpoint=False,
    truncate=None,
    backend="auto",
)


def chosen(owner: str, given: LayerOptions) -> LayerOptions:
    """Return all options, as given or by default; raises `ArgumentTypeError` for unknown ones.

    owner: name of the layer, for the message.
    """
    for name in given:
        if name not in DEFAULTS:
            raise ArgumentTypeError(
                f"{owner}: there is no option {name!r}; {nearest(name, DEFAULTS)}"
            )
    return {**DEFAULTS, **given}


Method = TypeVar("Method", bound=Callable[..., None])


def shows_options(init: Method) -> Method:
    """Decorate an `__init__` that has `**options`, so that its signature lists them."""
    own = inspect.signature(init)
    types = get_type_hints(LayerOptions)
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=types[name]
        )
        for name, default in DEFAULTS.items()
    ]
    kept = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
    vars(init)["__signature__"] = own.replace(parameters=[*kept, *options])
    return init
