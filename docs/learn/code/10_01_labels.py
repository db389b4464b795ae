"""Chapter 10: labels of texts."""

# %% data
import polars as pl

import longshort as ls

texts = pl.read_csv(ls.example("topics"))
print(texts.height, "texts;", dict(texts["topic"].value_counts(sort=True).iter_rows()))
print(texts["text"][0])

# %% run about
# longshort run --example topics --out run

# %% predict
run = ls.load("run")
wanted = run.predict(["Heavy rain falls tonight", "She won in the last minute"])
print(wanted)

# %% confusion
figure = run.plot()["confusion"]
