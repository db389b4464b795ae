"""Chapter 8: variants, and when they matter."""

# %% family
from longshort.cells import GRU, LSTM, Sizes
from longshort.cells.describe import describe
from longshort.cells.named import build_cell, list_cells

print(f"{'cell':<20}{'weights':>9}  states")
for entry in list_cells():
    card = describe(build_cell(entry.name, {}), Sizes(input=32, hidden=64))
    print(f"{entry.name:<20}{card.parameter_count:>9,}  {', '.join(card.states)}")


# %% differences
def forward(cell):
    """Lines of the forward equations."""
    text = describe(cell, Sizes(input=3, hidden=2)).equations
    return [line.strip() for line in text.split("\n\n")[0].splitlines()[1:]]


plain = forward(LSTM())
for title, cell in {
    "peephole": LSTM(peephole=True),
    "coupled gates": LSTM(couple="f=1-i"),
    "no forget gate (1997)": LSTM(ablate=("NFG",)),
    "layer norm": LSTM(layer_norm="ba2016"),
}.items():
    print(title)
    for line in forward(cell):
        if line not in plain:
            print("   ", line)

# %% gru
print("\n".join(forward(GRU())))

# %% stacked
import torch

import longshort as ls

x = torch.randn(7, 2, 32)
for options in ({}, {"num_layers": 2}, {"bidirectional": True}):
    layer = ls.nn.LSTM(32, 64, **options)
    y, (h, _) = layer(x)
    count = sum(each.numel() for each in layer.parameters())
    print(f"{options!s:<25} y {tuple(y.shape)}  h {tuple(h.shape)}  {count:,} weights")

# %% future
layer = ls.nn.LSTM(1, 4, bidirectional=True)
series = torch.randn(10, 1, 1)
changed = series.clone()
changed[9] += 1.0  # the last step: the future of step 0
with torch.no_grad():
    moved = (layer(changed)[0][0] - layer(series)[0][0]).abs()[0]
print("forward direction at step 0 changed:", bool(moved[:4].max() > 0))
print("reverse direction at step 0 changed:", bool(moved[4:].max() > 0))

# %% compared about
found = ls.compare(
    ls.example("recipes"),
    ["lstm", "gru"],
    settings={"task": "tag", "model": {"hidden": 16}, "train": {"max_epochs": 2}},
    pairs=6,
    rates=[0.01],
)
print(found.verdict)

# %% own
from longshort.cells import Cell, State
from longshort.engine.ops import sigmoid, tanh


class Leaky(Cell):
    """A leaky unit whose leak is learned."""

    gates = ("a", "n")

    def step(self, x, s, p):
        z = p.ih(x) + p.hh(s.h)
        a = sigmoid(z.a)
        h = a * s.h + (1 - a) * tanh(z.n)
        return h, State(h=h)


print("\n".join(describe(Leaky(), Sizes(3, 2)).equations.split("\n\n")[1].splitlines()))
own = ls.nn.Recurrent(Leaky(), 32, 64, num_layers=2, bidirectional=True)
print(tuple(own(x)[0].shape), own.backend_report().split(":")[0])
