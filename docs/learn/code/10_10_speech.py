"""Chapter 10: speech and voices."""

# %% ctc
import itertools

import numpy as np

signs = "-ab"  # the blank first
y = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.5, 0.1, 0.4]])


def text_of(path):
    kept = [sign for sign, _ in itertools.groupby(path)]  # repeated signs once
    return "".join(kept).replace("-", "")  # then without blanks


alignments = {}
for path in itertools.product(range(3), repeat=len(y)):
    text = text_of([signs[k] for k in path])
    probability = np.prod([y[t, k] for t, k in enumerate(path)])
    alignments.setdefault(text, []).append(probability)
likely = sorted(alignments, key=lambda text: -sum(alignments[text]))[:3]
for text in likely:
    found = alignments[text]
    print(f"{text!r:5} {len(found)} alignments, P = {sum(found):.4f}")


# %% forward
def probability_of(text):
    spelled = "-" + "".join(f"{sign}-" for sign in text)  # blanks around each sign
    k = [signs.index(sign) for sign in spelled]
    alpha = np.zeros(len(k))
    alpha[:2] = y[0, k[:2]]
    for t in range(1, len(y)):
        before = alpha.copy()
        alpha[1:] += before[:-1]
        for s in range(2, len(k)):
            if k[s] and k[s] != k[s - 2]:  # no blank is needed between these
                alpha[s] += before[s - 2]
        alpha *= y[t, k]
    return alpha[-2:].sum()


for text in likely:
    print(f"{text!r:5} P = {probability_of(text):.4f}")

# %% speech about
# longshort run --example syllables --out syllables

# %% heard about
import matplotlib.pyplot as plt
import polars as pl

import longshort as ls

table = pl.read_csv(ls.example("syllables"))
mfcc = np.load(ls.example("syllables").with_suffix(".npz"))
heard = ls.load("syllables").transcribe(ls.example("syllables")).transcripts
order = np.arange(13)
back = np.cos(np.pi * np.outer(np.arange(40) + 0.5, order) / 40)  # inverse DCT
back /= 1 + 11 * np.sin(np.pi * order / 22)  # Kaldi's lifter
figure, axes = plt.subplots(2, 1, figsize=(6.8, 4.6))
for axis, row in zip(axes, (44, 1), strict=True):
    file, _, said = table.row(row)
    bands = back @ mfcc[file].T
    end = 0.02 * bands.shape[1]
    axis.imshow(bands, origin="lower", aspect="auto", extent=(0, end, 0, 40))
    for word in heard[row].words:
        axis.axvspan(word.begin, word.end, color="k", alpha=0.35, linewidth=0)
        axis.text(
            word.begin + 0.01, 36, f"“{word.word}”", color="w", va="center", size=11
        )
    axis.set_title(f"said: {said}", loc="left")
    axis.set(ylabel="mel band", yticks=[0, 20, 40])
    axis.grid(visible=False)
axes[-1].set_xlabel("seconds")

# %% voices about
# longshort run --example voices --out voices

# %% similarity
figure = ls.load("voices").plot()["similarities"]
figure.set_size_inches(6.8, 2.6)
