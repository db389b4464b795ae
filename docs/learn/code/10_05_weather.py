"""Chapter 10: weather and power."""

# %% weather about
# longshort run --example weather --quantiles 0.1,0.5,0.9 --out run

# %% picture
import longshort as ls

figure = ls.load("run").plot()["windows"]

# %% load
import numpy as np
import polars as pl

draw = np.random.default_rng(0)
hours = np.arange(24 * 240)
times = np.datetime64("2025-01-01", "us") + hours * np.timedelta64(1, "h")
day, week = np.sin(2 * np.pi * hours / 24), (hours // 24) % 7 < 5
warm = (
    18 + 5 * np.sin(hours / 37) + 4 * np.sin(hours / 90) + draw.normal(size=len(hours))
)
frames = []
for name, base in (("north", 50), ("south", 80)):
    cooling = 3 * np.maximum(warm - 18, 0) * (1 + day)  # not linear
    load = base + 12 * day + 10 * week + cooling + 2 * draw.normal(size=len(hours))
    columns = {"grid": name, "time": times, "load": load, "warm": warm}
    frames.append(pl.DataFrame(columns))
pl.concat(frames).write_csv("load.csv")

# %% power about
# longshort run load.csv --target load --time time --group grid --future warm \
#   --horizon 24 --set train.max_epochs=4 --out power
