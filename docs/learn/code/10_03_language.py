"""Chapter 10: a language model."""

# %% data
import longshort as ls

text = ls.example("shakespeare").read_text()
print(f"{len(text):,} characters, {len(set(text))} different ones")
print(text[:90])

# %% run about
# longshort run --example shakespeare --out run

# %% generate
run = ls.load("run")
sample = run.generate("ROMEO:", length=120, temperature=0.7, seed=1)
print("continues with", len(sample), "characters")
