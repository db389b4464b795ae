"""Chapter 10: speech, voices, handwriting."""

# %% speech about
# longshort run --example syllables --out syllables

# %% voices about
# longshort run --example voices --out voices

# %% reading about
# longshort run --example lines --out lines
