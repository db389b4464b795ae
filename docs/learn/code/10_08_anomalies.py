"""Chapter 10: anomalies."""

# %% run about
# longshort run --example super_elnino --out run

# %% picture
import longshort as ls

run = ls.load("run")
figure = run.plot()["alarms"]
