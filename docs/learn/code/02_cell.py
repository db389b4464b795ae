"""Chapter 2: gates, cell state, hidden state."""

# %% equations
from longshort.cells import LSTM, Sizes
from longshort.cells.describe import describe

card = describe(LSTM(), Sizes(input=3, hidden=2))
forward, backward, gradients = card.equations.split("\n\n")
print(forward)

# %% step
import numpy as np


def step(f, i, g, o, c):
    """One step of a cell whose gates are given."""
    c = f * c + i * g
    return c, o * np.tanh(c)


c = 0.0
print("  t     f    i     g    o      c      h")
gates = [(1, 1, 1, 0), (1, 0, 0, 0), (1, 0, 0, 1)]
gates += [(0.5, 0, 0, 1), (0, 0, 0, 1), (1, 0.5, -1, 1)]
for t, (f, i, g, o) in enumerate(gates):
    c, h = step(f, i, g, o, c)
    print(f"{t + 1:>3} {f:5.1f} {i:4.1f} {g:5.1f} {o:4.1f} {c:6.2f} {h:6.2f}")

# %% decay
import matplotlib.pyplot as plt

figure, axis = plt.subplots()
for f in (0.5, 0.9, 0.99, 1.0):
    axis.plot(f ** np.arange(60), label=f"f = {f}")
    if f < 1:
        print(f"f = {f}: half is left after {np.log(0.5) / np.log(f):.1f} steps")
axis.set(xlabel="steps", ylabel="what is left of c")
axis.legend()

# %% states
import torch

import longshort as ls

torch.manual_seed(0)
layer = ls.nn.LSTM(input_size=3, hidden_size=2)
x = torch.randn(5, 1, 3)  # 5 steps, a batch of 1, 3 inputs
y, (h, c) = layer(x)
print("y", tuple(y.shape), " h", tuple(h.shape), " c", tuple(c.shape))
print("the last y is h:", torch.equal(y[-1], h[0]))
print(
    "h",
    *(f"{v:.3f}" for v in h[0, 0].tolist()),
    " c",
    *(f"{v:.3f}" for v in c[0, 0].tolist()),
)

# %% weights
for name, value in layer.named_parameters():
    print(f"{name:<13}{list(value.shape)}")
inputs, units = 3, 2
print(
    "4 * H * (I + H + 1) =", 4 * units * (inputs + units + 1), "=", card.parameter_count
)


# %% wrong_state
def wrong(layer, x):
    """A formula that is often seen: h = f * h + i * g."""
    W, R = layer.weight_ih_l0, layer.weight_hh_l0
    h = torch.zeros(1, layer.hidden_size)
    for x_t in x:
        i, f, g, _ = (x_t @ W.T + h @ R.T + layer.bias_ih_l0).chunk(4, dim=1)
        h = f.sigmoid() * h + i.sigmoid() * g.tanh()
    return h


print("right:", *(f"{each:6.3f}" for each in h[0, 0].tolist()))
print("wrong:", *(f"{each:6.3f}" for each in wrong(layer, x)[0].tolist()))

# %% no_threshold
for z in (-4, -1, 0, 0.1, 1, 4):
    gate = 1 / (1 + np.exp(-z))
    print(f"z = {z:>4}: {gate:4.0%} goes through, the slope is {gate * (1 - gate):.3f}")
