"""Code that was written for torch's layers: its keywords, its `except`, its attributes."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import longshort as ls
from longshort.errors import ArgumentTypeError, ConfigError
from tests.paths import ROOT
from tests.tensors import parts

T, B, IN, H = 5, 4, 3, 6
KINDS = ["LSTM", "GRU", "RNN"]
kinds = pytest.mark.parametrize("kind", KINDS)
BUILTIN = (ValueError, TypeError, RuntimeError)


def both(kind: str, **options: Any) -> tuple[Any, Any]:
    """Torch's layer and ours with its weights."""
    torch.manual_seed(0)
    theirs = getattr(nn, kind)(IN, H, **options)
    ours = getattr(ls.nn, kind)(IN, H, **options)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def example() -> Tensor:
    return torch.randn(T, B, IN, generator=torch.Generator().manual_seed(1))


def state(kind: str, *shape: int) -> Any:
    one = torch.randn(*shape, generator=torch.Generator().manual_seed(2))
    return (one, one + 1) if kind == "LSTM" else one


def same(got: Any, wanted: Any) -> None:
    for one, other in zip((got[0], *parts(got[1])), (wanted[0], *parts(wanted[1])), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


# Keywords


@kinds
def test_torchs_keywords_are_understood(kind: str) -> None:
    theirs, ours = both(kind)
    x, hx = example(), state(kind, 1, B, H)
    same(ours(input=x), theirs(input=x))
    same(ours(x, hx=hx), theirs(x, hx=hx))
    same(ours(input=x, hx=hx), theirs(input=x, hx=hx))
    same(ours(x, hx=None), theirs(x, hx=None))
    same(ours(input=x[:, 0], hx=state(kind, 1, H)), theirs(input=x[:, 0], hx=state(kind, 1, H)))


def test_any_cell_understands_them() -> None:
    layer, x = ls.nn.Recurrent(ls.cells.JANET(), IN, H), example()
    hx = torch.ones(1, B, H)
    assert torch.equal(layer(input=x, hx=hx)[0], layer(x, hx)[0])


@kinds
def test_a_packed_sequence_may_be_called_input(kind: str) -> None:
    theirs, ours = both(kind)
    packed = pack_padded_sequence(example(), torch.tensor([5, 3, 4, 1]), enforce_sorted=False)
    got, want = ours(input=packed, hx=state(kind, 1, B, H)), theirs(packed, state(kind, 1, B, H))
    torch.testing.assert_close(got[0].data, want[0].data, rtol=1e-5, atol=1e-6)


@kinds
def test_one_argument_under_two_names_is_refused(kind: str) -> None:
    layer, x, hx = getattr(ls.nn, kind)(IN, H), example(), state(kind, 1, B, H)
    with pytest.raises(ArgumentTypeError, match=r"^x: given twice, as x and as input; give one"):
        layer(x, input=x)
    with pytest.raises(ArgumentTypeError, match=r"^state: given twice, as state and as hx; give"):
        layer(x, hx, hx=hx)
    with pytest.raises(TypeError, match="x: a tensor or PackedSequence is expected, got None"):
        layer()


@kinds
def test_compiled_and_exported_code_may_use_them(kind: str) -> None:
    theirs, ours = both(kind)
    x, hx = example(), state(kind, 1, B, H)
    same(torch.compile(ours, backend="eager", fullgraph=True)(input=x, hx=hx), theirs(x, hx))
    exported = torch.export.export(ours, (), {"input": x, "hx": hx}).module()
    same(exported(input=x, hx=hx), theirs(x, hx))


# Errors

BUILDS: dict[str, dict[str, Any]] = {
    "hidden 0": {"hidden_size": 0},
    "hidden below 0": {"hidden_size": -1},
    "hidden a float": {"hidden_size": 2.0},
    "hidden None": {"hidden_size": None},
    "hidden text": {"hidden_size": "8"},
    "input 0": {"input_size": 0},
    "input a float": {"input_size": 2.0},
    "no layers": {"num_layers": 0},
    "layers a float": {"num_layers": 1.0},
    "dropout 2": {"dropout": 2.0},
    "dropout below 0": {"dropout": -1.0},
    "dropout text": {"dropout": "a"},
    "dropout True": {"dropout": True},
    "bias text": {"bias": "no"},
    "batch_first a number": {"batch_first": 1},
    "dtype whole": {"dtype": torch.int64},
    "dtype text": {"dtype": "float32"},
    "device unknown": {"device": "nowhere"},
    "device a number": {"device": 3.5},
    "unknown option": {"hiden_size": 3},
}
OWN_BUILDS: dict[str, list[dict[str, Any]]] = {
    "LSTM": [{"proj_size": -1}, {"proj_size": H}, {"proj_size": 2.0}, {"proj_size": None}],
    "GRU": [],
    "RNN": [{"nonlinearity": "sine"}, {"nonlinearity": None}],
}
Call = Callable[[Any, str], Any]
CALLS: dict[str, Call] = {
    "input size": lambda m, k: m(torch.ones(T, B, IN + 1)),
    "input size, unbatched": lambda m, k: m(torch.ones(T, IN + 1)),
    "1 dimension": lambda m, k: m(torch.ones(IN)),
    "4 dimensions": lambda m, k: m(torch.ones(1, T, B, IN)),
    "float64": lambda m, k: m(example().double()),
    "whole numbers": lambda m, k: m(torch.ones(T, B, IN).long()),
    "another device": lambda m, k: m(example().to("meta")),
    "sparse": lambda m, k: m(example().to_sparse()),
    "unknown keyword": lambda m, k: m(example(), foo=1),
    "state of 2 dimensions": lambda m, k: m(example(), state(k, 1, H)),
    "state of 4 dimensions": lambda m, k: m(example(), state(k, 1, 1, B, H)),
    "state of another batch": lambda m, k: m(example(), state(k, 1, B + 1, H)),
    "state of more layers": lambda m, k: m(example(), state(k, 2, B, H)),
    "state of another width": lambda m, k: m(example(), state(k, 1, B, H + 1)),
    "batched state, unbatched x": lambda m, k: m(example()[:, 0], state(k, 1, 1, H)),
    "packed, another size": lambda m, k: m(pack_padded_sequence(torch.ones(T, B, 9), [5, 4, 3, 1])),
    "packed, float64": lambda m, k: m(pack_padded_sequence(example().double(), [5, 4, 3, 1])),
    "a weight that is None": lambda m, k: (setattr(m, "weight_hh_l0", None), m(example())),
    "weights of another layer": lambda m, k: m.load_state_dict({"other": torch.ones(1)}),
}


def raised(call: Callable[[], Any]) -> Exception:
    with pytest.raises(BUILTIN) as caught:
        call()
    return caught.value


def builtin(error: Exception) -> type[Exception]:
    """Which of the three it is to somebody who wrote `except` for torch."""
    return next(kind for kind in BUILTIN if isinstance(error, kind))


@pytest.mark.parametrize("options", BUILDS.values(), ids=BUILDS)
@kinds
def test_a_wrong_option_raises_what_torch_raises(kind: str, options: dict[str, Any]) -> None:
    given = {"input_size": IN, "hidden_size": H} | options
    wanted = raised(lambda: getattr(nn, kind)(**given))
    found = raised(lambda: getattr(ls.nn, kind)(**given))
    assert isinstance(found, builtin(wanted))


@pytest.mark.parametrize(
    ("kind", "options"), [(k, o) for k in KINDS for o in OWN_BUILDS[k]], ids=str
)
def test_a_wrong_option_of_one_kind_does_too(kind: str, options: dict[str, Any]) -> None:
    wanted = raised(lambda: getattr(nn, kind)(IN, H, **options))
    found = raised(lambda: getattr(ls.nn, kind)(IN, H, **options))
    assert isinstance(found, builtin(wanted))
    assert isinstance(found, ConfigError)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@kinds
def test_a_wrong_call_raises_what_torch_raises(kind: str, call: Call) -> None:
    theirs, ours = both(kind)
    wanted = raised(lambda: call(theirs, kind))
    found = raised(lambda: call(ours, kind))
    assert isinstance(found, builtin(wanted))


@kinds
def test_what_is_no_tensor_is_a_type_error(kind: str) -> None:
    """In torch it is whatever comes of it, such as an AttributeError."""
    layer = getattr(ls.nn, kind)(IN, H)
    for x, hx in ((example().tolist(), None), (example().numpy(), None), (example(), 0.0)):
        with pytest.raises(TypeError, match=r"^(x|state): a t.* is expected, got a "):
            layer(x, hx)


def test_a_backend_that_cannot_run_is_a_runtime_error() -> None:
    with pytest.raises(RuntimeError, match="the reverse direction needs the whole sequence"):
        ls.nn.LSTM(IN, H, bidirectional=True).step(torch.ones(B, IN))


# What else is the same

OPTIONS: list[dict[str, Any]] = [
    {},
    {"bias": False},
    {"num_layers": 2, "dropout": 0.5, "bidirectional": True, "batch_first": True},
    {"num_layers": 2, "proj_size": 2},
    {"nonlinearity": "relu"},
]


def allowed() -> list[Any]:
    own = {"proj_size": "LSTM", "nonlinearity": "RNN"}
    return [
        pytest.param(kind, options, id=f"{kind}-{options}")
        for kind in KINDS
        for options in OPTIONS
        if all(own.get(name, kind) == kind for name in options)
    ]


@pytest.mark.parametrize(("kind", "options"), allowed())
def test_a_layer_has_torchs_parameters_and_shows_them(kind: str, options: dict[str, Any]) -> None:
    theirs, ours = both(kind, **options)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    for row, wanted in zip(ours.all_weights, theirs.all_weights, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(row, wanted, strict=True))
    theirs.load_state_dict(ours.state_dict())
    attributes = ["input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout",
                  "bidirectional", "proj_size"]  # fmt: skip
    for name in attributes:
        assert getattr(ours, name) == getattr(theirs, name)
    assert repr(ours).startswith(repr(theirs)[:-1].split(", num_layers")[0])
    assert ours.flatten_parameters() is None


@pytest.mark.parametrize(("kind", "options"), allowed())
def test_copies_and_pickles_compute_the_same(kind: str, options: dict[str, Any]) -> None:
    _, ours = both(kind, **options)
    wanted, x = ours.eval()(example()), example()
    for other in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        for got, want in zip(parts(other(x)[1]), parts(wanted[1]), strict=True):
            assert torch.equal(got, want)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
@kinds
def test_every_dtype_gives_its_own(kind: str, dtype: torch.dtype) -> None:
    theirs, ours = both(kind, dtype=dtype)
    got, want = ours(example().to(dtype)), theirs(example().to(dtype))
    assert got[0].dtype == want[0].dtype == dtype
    torch.testing.assert_close(got[0], want[0], rtol=0.02, atol=0.02)


@pytest.mark.parametrize("options", [{}, {"batch_first": True}], ids=str)
@kinds
def test_outputs_lie_in_memory_as_torchs(kind: str, options: dict[str, Any]) -> None:
    theirs, ours = both(kind, **options)
    assert ours(example())[0].stride() == theirs(example())[0].stride()


# What is not, as the README says

PAGE = (ROOT / "README.md").read_text()
DIFFERENCES = PAGE.partition("differences are:")[2].partition("\n\nSixteen cells")[0]


def test_the_readme_lists_the_default_initialisation_first() -> None:
    first, *_ = re.findall(r"^- (.*)", DIFFERENCES, re.MULTILINE)
    assert 'init="torch"' in first


@kinds
def test_initialisation_is_torchs_where_asked_for(kind: str) -> None:
    torch.manual_seed(0)
    theirs = getattr(nn, kind)(IN, H)
    torch.manual_seed(0)
    asked = getattr(ls.nn, kind)(IN, H, init="torch")
    torch.manual_seed(0)
    default = getattr(ls.nn, kind)(IN, H)
    assert torch.equal(asked.weight_hh_l0, theirs.weight_hh_l0)
    assert not torch.equal(default.weight_hh_l0, theirs.weight_hh_l0)


@kinds
def test_a_sequence_without_steps_is_an_empty_output(kind: str) -> None:
    theirs, ours = both(kind)
    hx = state(kind, 1, B, H)
    output, final = ours(torch.ones(0, B, IN), hx)
    assert output.shape == (0, B, H)
    assert all(torch.equal(a, b) for a, b in zip(parts(final), parts(hx), strict=True))
    with pytest.raises(RuntimeError, match="sequence length to be larger than 0"):
        theirs(torch.ones(0, B, IN), hx)


def test_autocast_leaves_a_layer_in_its_own_dtype() -> None:
    theirs, ours = both("LSTM")
    with torch.autocast("cpu"):
        assert theirs(example())[0].dtype == torch.bfloat16
        assert ours(example())[0].dtype == torch.float32


@kinds
def test_a_layer_is_none_of_torchs_class(kind: str) -> None:
    layer = getattr(ls.nn, kind)(IN, H)
    assert not isinstance(layer, nn.RNNBase)
    for name in ("check_input", "get_expected_hidden_size", "permute_hidden", "mode"):
        assert not hasattr(layer, name)


@kinds
@pytest.mark.filterwarnings("ignore:.*torch.jit.script")
def test_torchscript_and_complex_numbers_are_refused(kind: str) -> None:
    with pytest.raises(torch.jit.frontend.NotSupportedError):
        torch.jit.script(getattr(ls.nn, kind)(IN, H))
    with pytest.raises(ConfigError, match="dtype: a floating point type"):
        getattr(ls.nn, kind)(IN, H, dtype=torch.complex64)
    with pytest.raises(ConfigError, match="bidirectional: True or False is expected, got 1"):
        getattr(ls.nn, kind)(IN, H, bidirectional=1)
