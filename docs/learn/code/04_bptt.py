"""Chapter 4: backpropagation through time by hand."""

# %% equations
from longshort.cells import LSTM, Sizes
from longshort.cells.describe import describe

card = describe(LSTM(), Sizes(input=3, hidden=2))
forward, backward, gradients = card.equations.split("\n\n")
print(backward)
print(gradients)

# %% forward
import numpy as np

draw = np.random.default_rng(7)
x = draw.normal(size=(4, 3))  # four steps, three inputs
W, R = draw.normal(size=(8, 3)), draw.normal(size=(8, 2))  # gates i, f, g, o
b = np.zeros(8)
b[2:4] = 1.0  # forget bias
target = np.array([0.5, -0.5])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def run_forward(W, R, b):
    """Loss after the last step, and what the backward pass needs of each step."""
    h, c, tape = np.zeros(2), np.zeros(2), []
    for x_t in x:
        z_i, z_f, z_g, z_o = np.split(W @ x_t + R @ h + b, 4)
        i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
        before, c = c, f * c + i * g
        tape.append((x_t, h, before, c, i, f, g, o))
        h = o * np.tanh(c)
    return 0.5 * np.sum((h - target) ** 2), h, tape


loss, h, tape = run_forward(W, R, b)
print(f"loss {loss:.6f}")


# %% backward
def run_backward(h, tape, R, show=False):
    """Gradients of the loss; each line is one of those printed above."""
    dW, dR, db = np.zeros((8, 3)), np.zeros((8, 2)), np.zeros(8)
    dh, dc = h - target, np.zeros(2)  # of the loss
    for x_t, before_h, before_c, c, i, f, g, o in reversed(tape):
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        di, df, dg, do = dc * g, dc * before_c, dc * i, dh * np.tanh(c)
        dz = np.concatenate(
            [di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)]
        )
        dW += np.outer(dz, x_t)
        dR += np.outer(dz, before_h)
        db += dz
        if show:
            print(
                f"δc = [{dc[0]:8.5f} {dc[1]:8.5f}]   δh = [{dh[0]:8.5f} {dh[1]:8.5f}]"
            )
        dh, dc = R.T @ dz, dc * f
    return dW, dR, db


print("t = 4 … 1")
dW, dR, db = run_backward(h, tape, R)


# %% differences
def slope(name, place, step=1e-5):
    """Centred finite difference of the loss at one weight."""
    moved = {"W": W.copy(), "R": R.copy(), "b": b.copy()}
    moved[name][place] += step
    above = run_forward(**moved)[0]
    moved[name][place] -= 2 * step
    return (above - run_forward(**moved)[0]) / (2 * step)


derived = {"W": dW, "R": dR, "b": db}
worst = max(
    abs(slope(name, place) - value[place])
    for name, value in derived.items()
    for place in np.ndindex(value.shape)
)
print(f"∂L/∂W[0, 0]: by hand {dW[0, 0]:.8f}, by differences {slope('W', (0, 0)):.8f}")
print("all 48 gradients agree to 9 digits:", worst < 1e-9)

# %% engine
import torch

import longshort as ls

layer = ls.nn.LSTM(3, 2, dtype=torch.float64)
with torch.no_grad():
    for name, value in (("weight_ih_l0", W), ("weight_hh_l0", R), ("bias_ih_l0", b)):
        getattr(layer, name)[:] = torch.tensor(value)
y, _ = layer(torch.tensor(x)[:, None])
(0.5 * (y[-1, 0] - torch.tensor(target)).pow(2).sum()).backward()
print("W equal:", np.allclose(layer.weight_ih_l0.grad, dW, atol=1e-12))
print("R equal:", np.allclose(layer.weight_hh_l0.grad, dR, atol=1e-12))

# %% update
rate, losses = 0.5, []
for _ in range(40):
    loss, h, tape = run_forward(W, R, b)
    losses.append(loss)
    dW, dR, db = run_backward(h, tape, R)
    W, R, b = W - rate * dW, R - rate * dR, b - rate * db
for updates in (0, 10, 39):
    print(f"loss after {updates:>2} updates: {losses[updates]:.4f}")
print("h =", h.round(2), " wanted", target)


# %% truncated
def first_input(truncate):
    """Size of the loss's gradient at the first of 12 inputs."""
    torch.manual_seed(0)
    short = ls.nn.LSTM(1, 4, truncate=truncate)
    series = torch.randn(12, 1, 1, requires_grad=True)
    short(series)[0][-1].sum().backward()
    return series.grad[0].abs().item()


print(f"whole sequence {first_input(None):.6f}, cut every 4 steps {first_input(4):.6f}")
