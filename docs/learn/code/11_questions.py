"""Chapter 11: questions, each with a command that answers it."""

# %% ask
# longshort ask how many hidden units

# %% nearest
from longshort.faq.questions import nearest_questions

for text in ("my loss is stuck", "predict the stock market", "gru or lstm"):
    print(f"{text:<28}{nearest_questions(text)[0].question}")
