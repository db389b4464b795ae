"""What is compared, and how: alternatives, pairs, learning rates, and what it costs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from longshort.errors import ConfigError
from longshort.tuning.pairs import FEWEST_PAIRS, fewest_pairs

CELL, OPTIONS, HIDDEN = "model.cell", "model.cell_options", "model.hidden"
RATE = "train.learning_rate"
_SPAN = (0.1, 10**-0.5, 1.0, 10**0.5, 10.0)
"""Learning rates that are tried, in multiples of the usual one: five over two decades."""


@dataclass(frozen=True)
class Arm:
    """An alternative: its number from 1, a name, and its settings by dotted key."""

    number: int
    name: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """A draw of all sources of chance, which all alternatives share.

    seed: of training, its start and its order. split_seed: of the drawn splits; None where splits
    are not drawn.
    """

    number: int
    seed: int
    split_seed: int | None


@dataclass(frozen=True)
class How:
    """How alternatives are compared.

    pairs: None for the fewest that allow a claim. rates: learning rates that are tried; None for
    five over two decades around the usual one. tune_share: share of the epochs for each of them.
    tune_once: choose the rates in the first pair for all pairs, which takes less time, but leaves
    the chance of that choice out. size: key of the setting that is solved for equal parameters,
    "none" for sizes as they are; None: the hidden size where cells are compared, else "none".
    longer: a file of longer samples, on which networks are scored too.
    """

    pairs: int | None = None
    rates: tuple[float, ...] | None = None
    tune_share: float = 0.25
    tune_once: bool = False
    size: str | None = None
    longer: str | None = None

    def __post_init__(self) -> None:
        if self.pairs is not None and self.pairs < 1:
            raise ConfigError(f"pairs: 1 or more are needed, got {self.pairs}")
        if not 0.0 < self.tune_share <= 1.0:
            raise ConfigError(
                f"tune_share: a share above 0 and up to 1 is expected, got {self.tune_share:g}"
            )
        if self.rates is not None and not (self.rates and min(self.rates) > 0):
            raise ConfigError(f"rates: numbers above 0 are expected, got {self.rates}")


def arms_of(
    cells: Sequence[str] | None, vary: Mapping[str, Sequence[Any]] | None
) -> tuple[Arm, ...]:
    """Return the alternatives: cells, or the values of one setting.

    Raises `ConfigError` for fewer than two, for equal ones, and for unknown cells.
    """
    if (cells is None) == (not vary):
        raise ConfigError(
            "compare: give either cells (--cells rnn,lstm,gru) or a setting with its values "
            "(--vary train.optimizer=adamw,sgd)"
        )
    chosen = {CELL: list(cells)} if cells is not None else dict(vary or {})
    if len(chosen) > 1:
        raise ConfigError(
            f"--vary: one setting at a time, or nobody knows which one it was; got "
            f"{', '.join(chosen)}"
        )
    ((key, values),) = chosen.items()
    if key == CELL:
        _refuse_unknown(values)
    names = [_short(value) for value in values]
    if len(set(names)) < len(names):
        names = [_text(value) for value in values]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise ConfigError(f"compare: {doubled} is given twice; give others")
    if len(values) < 2:
        given = ", ".join(names) or "none"
        raise ConfigError(f"compare: two alternatives or more are needed; given: {given}")
    named = enumerate(zip(names, values, strict=True), 1)
    return tuple(Arm(number, name, {key: value}) for number, (name, value) in named)


def parse_vary(pairs: Sequence[str]) -> dict[str, list[Any]]:
    """Parse `key=a,b,c`; values with commas of their own are given as a TOML list, `key=[…]`."""
    found = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip() or not text.strip():
            raise ConfigError(
                f"--vary {pair!r}: write key=value,value, for example model.num_layers=1,2"
            )
        is_list = text.strip().startswith("[")
        values = _toml(text.strip()) if is_list else [_toml(each) for each in text.split(",")]
        if not isinstance(values, list):
            raise ConfigError(f"--vary {pair!r}: is no list of values; check its brackets")
        found[key.strip()] = values
    return found


def parse_numbers(text: str) -> tuple[float, ...]:
    """Parse numbers with commas between them, such as learning rates."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ConfigError(f"--rates: numbers like 0.001,0.01 are expected, got {text!r}") from None


def pairs_of(how: How, arms: int, seed: int, split_seed: int | None) -> list[Pair]:
    """Return the pairs, numbered from 1; seeds count up from those of the settings."""
    count = how.pairs or fewest_pairs(comparisons(arms))
    return [
        Pair(n + 1, seed + n, None if split_seed is None else split_seed + n) for n in range(count)
    ]


def rates_of(how: How, arms: Sequence[Arm], usual: float) -> tuple[float, ...]:
    """Return the learning rates to try; a single one is not tuned.

    usual: the rate of the settings. Raises `ConfigError` where the rate is what is compared.
    """
    if any(RATE in arm.changes for arm in arms):
        if how.rates is not None:
            raise ConfigError(f"rates: has no effect, as {RATE} is what is compared; leave it out")
        return ()
    wanted = how.rates or [float(f"{usual * factor:.3g}") for factor in _SPAN]
    return tuple(sorted(set(wanted)))


def size_key(how: How, arms: Sequence[Arm]) -> str | None:
    """Return the setting that is solved for equal parameters; None where sizes are left alone."""
    if how.size is None:
        return (
            HIDDEN if any(CELL in arm.changes or OPTIONS in arm.changes for arm in arms) else None
        )
    return None if how.size == "none" else how.size


def comparisons(arms: int) -> int:
    """Return the number of comparisons of each two alternatives."""
    return arms * (arms - 1) // 2


def doubt(pairs: int, arms: int) -> str:
    """Return why so few pairs allow no claim; empty where they do."""
    needed = fewest_pairs(comparisons(arms))
    if pairs >= needed:
        return ""
    count = f"{pairs} pair{'s' if pairs > 1 else ''}"
    if arms > 2:
        count += f" and {comparisons(arms)} comparisons"
    never = f" (never fewer than {FEWEST_PAIRS})" if needed == FEWEST_PAIRS else ""
    return (
        f"with {count} no difference can be significant, whatever the scores are; give {needed} "
        f"or more{never}"
    )


def described(arms: Sequence[Arm], how: How) -> dict[str, Any]:
    """Return alternatives and how they are compared as plain values."""
    listed = [{"name": arm.name, "changes": dict(arm.changes)} for arm in arms]
    return {"arms": listed, **asdict(how)}


def _refuse_unknown(cells: Sequence[Any]) -> None:
    from longshort.cells.named import find_cell

    for cell in cells:
        find_cell(str(cell))


def _toml(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _short(value: object) -> str:
    """Return a value as a name; of "module:Class" the class."""
    text = _text(value)
    return text.rpartition(":")[2] if isinstance(value, str) else text


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
