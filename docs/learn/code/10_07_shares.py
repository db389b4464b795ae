"""Chapter 10: share prices, with the honest answer."""

# %% walk
import numpy as np
import polars as pl

draw = np.random.default_rng(3)
days = np.datetime64("2019-01-01") + np.arange(1500)
price = 100 * np.exp(np.cumsum(0.01 * draw.normal(size=1500)))
pl.DataFrame({"day": days, "price": price}).write_csv("walk.csv")
print(f"price between {price.min():.0f} and {price.max():.0f}")

# %% run about
# longshort run walk.csv --target price --time day --horizon 1 --out run

# %% tutorial
import torch

import longshort as ls

torch.manual_seed(0)
scaled = torch.tensor((price - price.min()) / (price.max() - price.min())).float()
view = scaled.unfold(0, 21, 1)  # scaled with all rows: the future leaks
x, y = view[:, :-1].T[:, :, None], view[:, -1]
layer, head = ls.nn.LSTM(1, 32), torch.nn.Linear(32, 1)
adam = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.005)
for _ in range(150):
    loss = (head(layer(x[:, :1200])[0][-1])[:, 0] - y[:1200]).pow(2).mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
with torch.no_grad():
    forecast = head(layer(x[:, 1200:])[0][-1])[:, 0]
truth, last = y[1200:], x[-1, 1200:, 0]
print(f"R² of the tutorial's network: {1 - (forecast - truth).var() / truth.var():.2f}")
print(f"R² of yesterday's price:      {1 - (last - truth).var() / truth.var():.2f}")

# %% echo
import matplotlib.pyplot as plt

figure, axis = plt.subplots()
axis.plot(truth[:60], label="price", color="0.5")
axis.plot(forecast[:60], label="forecast")
axis.set(xlabel="days")
axis.legend()


def match(shift):
    """Correlation of the forecast's changes with those of the price, shifted."""
    moves, wanted = (
        forecast.diff()[1:],
        truth.diff()[1 - shift : len(truth) - 1 - shift],
    )
    return np.corrcoef(moves[: len(wanted)], wanted)[0, 1]


print(f"forecast moves with today's price: {match(0):.2f}, yesterday's: {match(1):.2f}")
