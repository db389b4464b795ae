"""Chapter 3: a forward pass by hand."""

# %% sentence
import numpy as np

words = ["the", "dog", "bit", "me"]
vectors = {"the": [0.1, 0.0, 0.2], "dog": [0.9, -0.3, 0.4], "bit": [-0.5, 0.8, 0.1],
           "me": [0.2, 0.6, -0.7]}  # fmt: skip
x = np.array([vectors[word] for word in words])
print(x.shape)

# %% weights
draw = np.random.default_rng(7)
W = {k: draw.normal(size=(2, 3)).round(1) + 0.0 for k in "ifgo"}  # input to gate
R = {k: draw.normal(size=(2, 2)).round(1) + 0.0 for k in "ifgo"}  # hidden state to gate
b = {"i": np.zeros(2), "f": np.ones(2), "g": np.zeros(2), "o": np.zeros(2)}
for k in "ifgo":
    print(f"W_{k} = {W[k].tolist()}  R_{k} = {R[k].tolist()}  b_{k} = {b[k].tolist()}")


# %% first_word
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def row(name, value):
    print(f"{name:<4}", *(f"{each:7.4f}" for each in value))


h, c = np.zeros(2), np.zeros(2)
z = {k: W[k] @ x[0] + R[k] @ h + b[k] for k in "ifgo"}
for k in "ifgo":
    row(f"z_{k}", z[k])
i, f, g, o = sigmoid(z["i"]), sigmoid(z["f"]), np.tanh(z["g"]), sigmoid(z["o"])
for name, value in zip("ifgo", (i, f, g, o), strict=True):
    row(f"{name}_1", value)
c = f * c + i * g
h = o * np.tanh(c)
row("c_1", c)
row("h_1", h)

# %% sentence_through
h, c = np.zeros(2), np.zeros(2)
states = []
for word, x_t in zip(words, x, strict=True):
    z = {k: W[k] @ x_t + R[k] @ h + b[k] for k in "ifgo"}
    i, f, g, o = (sigmoid(z["i"]), sigmoid(z["f"]), np.tanh(z["g"]), sigmoid(z["o"]))
    c = f * c + i * g
    h = o * np.tanh(c)
    states.append((i, f, g, o, c, h))
    print(word)
    for name, value in zip(("i", "f", "g", "o", "c", "h"), states[-1], strict=True):
        row(f"  {name}", value)

# %% layer
import torch

import longshort as ls

layer = ls.nn.LSTM(input_size=3, hidden_size=2, dtype=torch.float64)
with torch.no_grad():
    layer.weight_ih_l0[:] = torch.tensor(np.vstack([W[k] for k in "ifgo"]))
    layer.weight_hh_l0[:] = torch.tensor(np.vstack([R[k] for k in "ifgo"]))
    layer.bias_ih_l0[:] = torch.tensor(np.concatenate([b[k] for k in "ifgo"]))
    layer.bias_hh_l0[:] = 0
y, (h_layer, c_layer) = layer(torch.tensor(x)[:, None])
by_hand = np.array([each[-1] for each in states])
print("all words equal:", np.allclose(y[:, 0].detach(), by_hand, atol=1e-12))
row("h_4", h_layer[0, 0].tolist())

# %% picture
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, sharey=True)
for unit, axis in enumerate(axes):
    for place, name in ((1, "f"), (0, "i"), (3, "o"), (4, "c"), (5, "h")):
        axis.plot(words, [each[place][unit] for each in states], marker="o", label=name)
    axis.set_title(f"unit {unit + 1}")
axes[0].legend(ncols=5)

# %% order
reordered = {word: n for n, word in enumerate(words)}
for text in ("the dog bit me", "me bit the dog"):
    places = [reordered[word] for word in text.split()]
    _, (h_text, _) = layer(torch.tensor(x[places])[:, None])
    print(f"{text}: h = [{h_text[0, 0, 0]:.4f}, {h_text[0, 0, 1]:.4f}]")
