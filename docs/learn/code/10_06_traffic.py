"""Chapter 10: traffic."""

# %% road
import numpy as np
import polars as pl

draw = np.random.default_rng(0)
steps, sensors = 14 * 288, 6  # 14 days of 5 minutes; cars go from mile0 to mile5
t = np.arange(steps)
hour = t % 288 / 12
rush = sum(np.exp(-(((hour - peak) / 1.2) ** 2) / 2) for peak in (8, 17.5))
lost = np.zeros((steps, sensors))  # share of the speed that a jam takes
for begin in np.flatnonzero(draw.random(steps) < 0.004 + 0.03 * rush):
    place, lasts = draw.integers(1, sensors), draw.integers(4, 15)
    depth = draw.uniform(0.3, 0.8)
    for sensor in range(place + 1):  # each mile upstream 10 minutes later
        first = begin + 2 * (place - sensor)
        jam = lost[first : first + lasts, sensor]
        jam[:] = np.maximum(jam, depth)
noise = 2 * draw.normal(size=(steps, sensors))
speed = 65 * (1 - 0.25 * rush[:, None]) * (1 - lost) + noise
times = np.datetime64("2026-03-02", "us") + t * np.timedelta64(5, "m")
columns = {f"mile{n}": speed[:, n].round(1) for n in range(sensors)}
pl.DataFrame({"time": times} | columns).write_csv("traffic.csv")

# %% jams
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(6.8, 2.4))
morning = speed[6 * 12 : 12 * 12].T  # of the first day
shown = axis.imshow(morning, aspect="auto", cmap="magma", extent=(6, 12, 5.5, -0.5))
axis.set(xlabel="hour", ylabel="mile")
axis.grid(visible=False)
figure.colorbar(shown, label="miles per hour")

# %% linked about
# longshort run traffic.csv --target all --time time --horizon 12 \
#   --set model.channels=linked --set train.max_epochs=4 --out linked

# %% forecasts
import longshort as ls

found = ls.load("linked").predictions.with_columns(
    pl.col("cutoff", "time").str.to_datetime()
)
day = pl.lit(times[-1]).dt.date()
found = found.filter(pl.col("column") == "mile0", pl.col("time").dt.date() == day)
figure, axis = plt.subplots()
for n, (_, ahead) in enumerate(found.group_by("cutoff", maintain_order=True)):
    at = ahead["time"].dt.hour() + ahead["time"].dt.minute() / 60
    for name, colour in (("y", "#1c1c1c"), ("linear", "#c2571a"), ("yhat", "#2457c5")):
        told = {"y": "truth", "yhat": "LSTM", "linear": "linear"}[name]
        axis.plot(at, ahead[name], color=colour, label=told if n == 0 else None)
    axis.axvline(at[0], color="#999999", linewidth=0.5)  # a forecast begins
axis.set(xlim=(0, 12), xlabel="hour", ylabel="mile0 (miles per hour)")
axis.legend(loc="lower right")

# %% alone about
# longshort run traffic.csv --target all --time time --horizon 12 \
#   --set model.channels=independent --set train.max_epochs=2 --out alone
