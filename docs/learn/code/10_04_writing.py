"""Chapter 10: translation and summaries."""

# %% data
import polars as pl

import longshort as ls

pairs = pl.read_csv(ls.example("phrases"))
print(pairs.height, "pairs")
for english, german in pairs.head(3).iter_rows():
    print(f"{english:<40} {german}")

# %% translate about
# longshort run --example phrases --out translate

# %% write
run = ls.load("translate")
print(run.predict(["The girl finds the key."]))

# %% summarise about
# longshort run --example subjects --out summarise
