"""`longshort cell`: what it prints is right, complete, and what the docs show."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys

import matplotlib.mathtext
import pytest

from longshort import cells
from longshort.cells import GRU, LSTM, Cell, Sizes, State
from longshort.cells.describe import describe
from longshort.cells.named import build_cell, known_cells
from longshort.engine.ops import sigmoid
from longshort.errors import ConfigError
from tests.commands import longshort, refused
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "cells.md").read_text()
SIZES = Sizes(10, 20)


def text(name: str, **options: str) -> str:
    return describe(build_cell(name, options), SIZES).equations


def lines(name: str, **options: str) -> list[str]:
    """Printed equations with single spaces, without remarks."""
    return [" ".join(line.split()) for line in text(name, **options).splitlines()]


def test_the_equations_of_the_lstm() -> None:
    shown = lines("LSTM")
    for line in (
        "z_f = W_f x_t + R_f h_{t-1} + b_f",
        "i_t = σ(z_i)",
        "g_t = tanh(z_g)",
        "c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t",
        "h_t = o_t ⊙ tanh(c_t)",
        "δh_t += ∂L/∂y_t",
        "δo_t = δh_t ⊙ tanh(c_t)",
        "δc_t += δh_t ⊙ o_t ⊙ (1 - tanh(c_t)²)",
        "δz_f = δf_t ⊙ f_t ⊙ (1 - f_t)",
        "δh_{t-1} = R_iᵀ δz_i + R_fᵀ δz_f + R_gᵀ δz_g + R_oᵀ δz_o",
        "δc_{t-1} = δc_t ⊙ f_t",
        "∂L/∂W_k = Σ_t δz_k x_tᵀ (k = i, f, g, o)",
        "∂L/∂b_k = Σ_t δz_k (k = i, f, g, o)",
    ):
        assert line in shown


def test_peepholes_see_the_old_cell_and_the_output_gate_the_new_one() -> None:
    shown = lines("lstm", peephole="true")
    for line in (
        "z_i = W_i x_t + R_i h_{t-1} + p_i ⊙ c_{t-1} + b_i",
        "z_o = W_o x_t + R_o h_{t-1} + p_o ⊙ c_t + b_o",
        "δc_t += δh_t ⊙ o_t ⊙ (1 - tanh(c_t)²) + δz_o ⊙ p_o",
        "δc_{t-1} = δc_t ⊙ f_t + δz_i ⊙ p_i + δz_f ⊙ p_f",
        "∂L/∂p_k = Σ_t δz_k ⊙ c_{t-1} (k = i, f)",
        "∂L/∂p_o = Σ_t δz_o ⊙ c_t",
    ):
        assert line in shown
    assert shown.index("c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t") < shown.index(
        "z_o = W_o x_t + R_o h_{t-1} + p_o ⊙ c_t + b_o"
    )


def test_both_forms_of_the_gru() -> None:
    after, before = lines("gru"), lines("gru", reset="before")
    assert "a_n = W_n x_t + r_t ⊙ (R_n h_{t-1} + b^R_n) + b^W_n" in after
    assert "δr_t = δa_n ⊙ (R_n h_{t-1} + b^R_n)" in after
    assert "∂L/∂R_n = Σ_t (δa_n ⊙ r_t) h_{t-1}ᵀ" in after
    assert "a_n = W_n x_t + R_n (r_t ⊙ h_{t-1}) + b_n" in before
    assert "δr_t = (R_nᵀ δa_n) ⊙ h_{t-1}" in before
    assert "∂L/∂R_n = Σ_t δa_n (r_t ⊙ h_{t-1})ᵀ" in before
    for shown in (after, before):
        assert "h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}" in shown


@pytest.mark.parametrize(
    ("cell", "count", "stored"),
    [
        (LSTM(), 2480, 2560),
        (LSTM(peephole=True), 2540, 2620),
        (LSTM(peephole=True, couple="f=1-i"), 1900, 1960),
        (LSTM(peephole=True, ablate=("FGR",)), 6140, 6220),
        (LSTM(projection=5), 1380, 1460),
        (GRU(), 1920, 1920),
        (GRU(reset="before"), 1860, 1860),
    ],
    ids=str,
)
def test_counts_are_those_of_the_literature(cell: Cell, count: int, stored: int) -> None:
    card = describe(cell, SIZES)
    assert (card.parameter_count, card.stored_count) == (count, stored)
    assert f"  {count:,} in all" in str(card)
    assert (f"{stored:,} are stored" in str(card)) == (count != stored)


def test_initialisation_is_said_in_words() -> None:
    starts = {p.name: p.start for p in describe(LSTM(peephole=True), SIZES).parameters}
    assert starts["weight_ih"] == "Xavier uniform, each gate by itself"
    assert starts["weight_hh"] == "orthogonal, each gate by itself"
    assert starts["bias_ih"] == "0; f: 1"
    assert starts["bias_hh"] == "0; only adds to the other bias"
    assert starts["peephole_o"] == "0"
    normed = {p.name: p.start for p in describe(LSTM(layer_norm="ba2016"), SIZES).parameters}
    assert (normed["gain_ih"], normed["bias"]) == ("1", "0; f: 1")


def test_the_order_of_the_rows_is_said() -> None:
    parameters = {p.name: p for p in describe(LSTM(), SIZES).parameters}
    assert parameters["weight_ih"].symbols == ("W_i", "W_f", "W_g", "W_o")
    assert parameters["weight_ih"].shape == (80, 10)
    assert parameters["bias_hh"].symbols == ()


def test_a_cell_of_as_many_layers_as_there_can_be_is_written_out() -> None:
    shown = lines("HMLSTM", layers="100")
    assert any(line.startswith("h100_t = ") for line in shown)
    assert any(line.startswith("δh100_t += ") for line in shown)


@pytest.mark.parametrize("name", sorted(known_cells()))
def test_every_cell_has_a_complete_card(name: str) -> None:
    card = describe(known_cells()[name](), SIZES)
    assert card.description and card.source
    assert set(card.states) and all(f"{state}_t " in card.equations for state in card.states)
    named = [p for p in card.parameters if not p.start.endswith("the other bias")]
    for parameter in named:
        assert parameter.symbols, parameter.name
    gradients = card.equations.split("\nGradients\n")[1]
    for parameter in named:
        first = parameter.symbols[0]
        gate = first.rpartition("_")[0]
        assert f"∂L/∂{first} " in gradients or f"∂L/∂{gate}_k " in gradients, first
    same = {p.name: p.shape for p in card.parameters}
    assert same == known_cells()[name]().parameter_shapes(SIZES)


def balanced(latex: str) -> bool:
    """Braces and environments are closed in the order in which they are opened."""
    stack: list[str] = []
    for token in re.findall(r"\\begin\{[^}]*\}|\\end\{[^}]*\}|\\left|\\right|(?<!\\)[{}]", latex):
        if token.startswith((r"\begin", r"\left", "{")):
            stack.append(token)
            continue
        opened = stack.pop() if stack else ""
        wanted = {"}": "{", r"\right": r"\left"}.get(token, token.replace("end", "begin"))
        if opened != wanted:
            return False
    return not stack


def formulas(latex: str) -> list[str]:
    """Lines as matplotlib can set them: it knows one-line formulas only."""
    rows = [row.strip().removesuffix(r"\\").strip() for row in latex.splitlines()]
    body = [row for row in rows if not row.startswith((r"\begin{align", r"\end{align"))]
    plain = [row for row in body if r"\begin{cases}" not in row]
    return [re.sub(r"\\mathrel\{\+\}", "+", row.replace("&", "")) for row in plain]


@pytest.mark.parametrize("name", sorted(known_cells()))
def test_latex_is_well_formed(name: str) -> None:
    latex = describe(known_cells()[name](), SIZES).latex
    assert balanced(latex)
    assert not re.search(r"[^\x00-\x7f]", latex), "Unicode is left over"
    assert latex.count(r"\begin{align*}") == latex.count(r"\end{align*}") == 3
    rows = formulas(latex)
    assert len(rows) >= 10
    parser = matplotlib.mathtext.MathTextParser("path")
    for row in rows:
        parser.parse(f"${row}$")


def test_latex_of_the_lstm() -> None:
    latex = describe(LSTM(peephole=True), SIZES).latex
    assert r"  c_{t} &= f_{t} \odot c_{t-1} + i_{t} \odot g_{t} \\" in latex
    assert r"  \delta h_{t} &\mathrel{+}= \frac{\partial L}{\partial y_{t}} \\" in latex
    assert r"\sum_t \delta z_{k} \, x_{t}^{\top} \qquad (k = i, f, g, o)" in latex
    assert not balanced(latex.replace(r"\end{align*}", "", 1))


def test_the_command_lists_every_cell() -> None:
    done = longshort("cell")
    found = [line.split()[0] for line in done.stdout.splitlines()]
    kinds = {name for name in cells.__all__ if name in known_cells()}
    assert done.returncode == 0 and set(found) == kinds
    listed = json.loads(longshort("cell", "--json").stdout)["cells"]
    assert {entry["name"] for entry in listed} == kinds
    assert all(entry["description"] and entry["source"] for entry in listed)


def test_the_command_shows_a_cell_with_options_and_sizes() -> None:
    done = longshort("cell", "lstm", "--set", "couple=f=1-i", "--set", "peephole=true",
                     "--input-size", 3, "--hidden-size", 4)  # fmt: skip
    assert done.returncode == 0
    assert "couple=f=1-i" in done.stdout and "peephole=true" in done.stdout
    assert "c_t = (1 - i_t) ⊙ c_{t-1} + i_t ⊙ g_t" in done.stdout
    assert re.search(r"weight_ih +\[12, 3\] +W_i, W_g, W_o", done.stdout)
    assert "States: h [B, 4], c [B, 4]" in done.stdout


def test_json_and_latex() -> None:
    card = json.loads(longshort("cell", "LSTM", "--set", "ablate=NIG,NOG", "--json").stdout)
    assert card["options"]["ablate"] == ["NIG", "NOG"]
    assert card["parameters"][0]["shape"] == [40, 10]
    assert card["states"] == {"h": 20, "c": 20}
    latex = longshort("cell", "LSTM", "--set", "ablate=NIG,NOG", "--latex").stdout
    assert latex.strip() == card["latex"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lsmt"], "cell 'lsmt' is not known; did you mean 'LSTM'?"),
        (["nothing-like-it"], "'SRU'"),
        (["LSTM", "--set", "peephol=1"], "LSTM has no option 'peephol'; did you mean 'peephole'?"),
        (["LSTM", "--set", "peephole"], "write KEY=VALUE"),
        (["LSTM", "--set", "peephole=maybe"], "LSTM: peephole must be true or false, got 'maybe'"),
        (["LSTM", "--set", "projection=x"], "LSTM: projection must be a whole number, got 'x'"),
        (["LSTM", "--set", "cell_clip=x"], "LSTM: cell_clip must be a number, got 'x'"),
        (["LSTM", "--set", "couple=f=2"], "'f=1-i'"),
        (
            ["LSTM", "--set", "gates=a"],
            "LSTM has no option 'gates'; there are 'peephole', 'couple'",
        ),
        (["LSTM", "--set", "source=a"], "LSTM has no option 'source'"),
        (["LSTM", "--set", "cell_clip=inf"], "LSTM: cell_clip must be finite, got inf"),
        (["SRU", "--set", "scale=1e400"], "SRU: scale must be finite, got inf"),
        (["HMLSTM", "--set", "layers=300"], "a whole number from 2 to 100, got 300"),
        (["SRU", "--set", "scale=1", "--set", "scale=2"], "scale is '1' already; give it once"),
        (["LSTM", "--latex", "--json"], "--json has the equations for LaTeX too"),
        (["--latex"], "give the name of a cell"),
        (["--input-size", "3"], "give the name of a cell"),
        (["--hidden-size", "3"], "give the name of a cell"),
    ],
    ids=str,
)
def test_mistakes_get_one_helpful_line(arguments: list[str], said: str) -> None:
    message = refused("cell", *arguments)
    assert said in message
    assert len(message.splitlines()) == 1


def test_sizes_have_bounds() -> None:
    done = longshort("cell", "LSTM", "--hidden-size", 100_000_000_000)
    assert done.returncode == 2 and "1000000" in done.stderr
    assert longshort("cell", "LSTM", "--hidden-size", 1_000_000).returncode == 0


def test_options_are_read_by_their_types() -> None:
    given = {"cell_clip": "3", "activations": "relu,tanh,identity", "ablate": "NIG, NOG"}
    cell = build_cell("LSTM", given | {"couple": "none", "peephole": "no"})
    assert cell == LSTM(
        cell_clip=3.0, activations=("relu", "tanh", "identity"), ablate=("NIG", "NOG")
    )
    with pytest.raises(ConfigError, match="cell_clip"):
        build_cell("LSTM", {"cell_clip": "-1"})


def test_a_cell_of_one_s_own_with_a_state_that_nothing_reads() -> None:
    class Odd(Cell):
        """Odd."""

        gates = ("a",)
        state = ("h", "seen")

        def step(self, x, s, p):
            h = sigmoid(p.ih(x) + p.hh(s.h))
            return h * 2, State(h=h, seen=h)

    shown = describe(Odd(), Sizes(2, 3)).equations
    said = [" ".join(line.split()) for line in shown.splitlines()]
    for line in ("seen_t = σ(z)", "h_t = seen_t", "y_t = 2 · h_t", "δh_t += 2 · δy_t"):
        assert line in said
    assert "seen_{t-1}" not in shown


def test_it_answers_without_torch_and_numpy() -> None:
    code = (
        "import sys; sys.argv = ['longshort', 'cell', 'LSTM']\n"
        "from longshort.cli.main import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "print('loaded:', sorted({'torch', 'numpy', 'polars', 'matplotlib'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("loaded: []")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_shows_what_the_command_prints() -> None:
    (shown,) = blocks("text")
    assert shown == longshort("cell", "LSTM").stdout


def test_what_the_page_says_to_do_works() -> None:
    (commands,) = blocks("sh")
    for command in commands.splitlines():
        words = shlex.split(command.partition(">")[0])
        assert longshort(*words[1:]).returncode == 0, command
    (code,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "h_t = a_t ⊙ h_{t-1} + (1 - a_t) ⊙ g_t" in done.stdout
