"""Chapter 10: entities in text."""

# %% data
import longshort as ls

lines = ls.example("recipes").read_text().split("\n\n")
print(len(lines), "sentences; the first:")
print(lines[0])

# %% run about
# longshort run --example recipes --out run

# %% predict
run = ls.load("run")
sentence = "2 cups chopped fresh parsley"
print(run.predict([sentence.split()]))
