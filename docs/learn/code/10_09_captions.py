"""Chapter 10: captions."""

# %% run about
# longshort run --example shapes --set train.max_epochs=8 --out run

# %% data
import polars as pl

import longshort as ls

captions = pl.read_csv(ls.example("shapes"))
print(captions.head(5))

# %% attention
figure = ls.load("run").plot()["attention0"]
