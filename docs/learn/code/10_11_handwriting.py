"""Chapter 10: handwriting, read and written."""

# %% reading about
# longshort run --example lines --out lines

# %% read about
import zipfile
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl

import longshort as ls

images = zipfile.ZipFile(ls.example("lines").with_suffix(".zip"))
found = ls.load("lines").predictions
is_right = pl.col("read") == pl.col("text")
wrong, right = found.filter(~is_right).head(3), found.filter(is_right).head(3)
figure, axes = plt.subplots(3, 2, figsize=(6.8, 3.0))
for column, lines, colour in ((0, right, "#1d6f42"), (1, wrong, "#b3261e")):
    for axis, line in zip(axes[:, column], lines.iter_rows(named=True), strict=False):
        axis.imshow(plt.imread(images.open(Path(line["line"]).name)), cmap="gray")
        axis.set_title(f"“{line['read']}”", color=colour, loc="left")
        axis.set_anchor("W")
for axis in axes.flat:
    axis.set_axis_off()

# %% mixture
import numpy as np

draw = np.random.default_rng(0)
way = np.arange(200) % 2  # half of the moves go right, half go down
moves = np.eye(2)[way] + 0.1 * draw.normal(size=(200, 2))


def density(x, group):
    mean, deviation = group.mean(0), group.std(0)
    z = (x - mean) / deviation
    return np.exp(-(z**2).sum(1) / 2) / (2 * np.pi * deviation.prod())


one = density(moves, moves)
two = sum(density(moves, moves[way == k]) / 2 for k in (0, 1))
print(f"one normal, mean {moves.mean(0).round(2)}: {-np.log(one).mean():.2f} nats")
print(f"mixture of two normals: {-np.log(two).mean():.2f} nats")

# %% writing about
# longshort run --example letters --out hand

# %% drawn
run = ls.load("hand")
words, biases = ("line", "stone", "noise", "nation"), (0.0, 0.5, 2.0)
figure, axes = plt.subplots(len(biases), len(words), figsize=(6.8, 3.2))
for row, bias in zip(axes, biases, strict=True):
    for axis, word in zip(row, words, strict=True):
        for stroke in run.draw(word, bias=bias, seed=1, most=200)[0].strokes:
            axis.plot(*stroke.T, color="#2457c5")
        axis.set_aspect("equal", adjustable="datalim")
        axis.invert_yaxis()
        axis.margins(0.1)
        axis.set_axis_off()
    row[0].set_title(f"b = {bias:g}", loc="left")
