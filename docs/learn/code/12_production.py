"""Chapter 12: from a run to production."""

# %% data
import numpy as np

draw = np.random.default_rng(0)
level = draw.uniform(0, 1, (600, 1)) + 0.3 * draw.normal(size=(600, 12))
pressure = np.stack([level, np.roll(level, 1, axis=1)], 2)  # 600 sequences, 12 steps
np.savez("pump.npz", x=pressure, y=level[:, -4:].mean(1))

# %% train about
# longshort run pump.npz --task regress --set model.hidden=16 --set model.pooling=last \
#   --set model.bidirectional=false --set train.max_epochs=10 --out pump

# %% export
# longshort export pump
# longshort verify pump.longshort

# %% session
import longshort as ls

bundle = ls.load("pump.longshort")  # needs no PyTorch
session = bundle.session()
for row in pressure[0]:
    answer = session.step(row.tolist())
whole = bundle.predict([pressure[0]])
same = np.allclose(next(iter(answer.values())), whole)
print(session.steps, "steps; equal to the prediction of the whole:", same)

# %% snapshot
kept = session.snapshot()
again = bundle.restore(kept)
more = [0.4, 0.6]
print("goes on to the bit:", session.step(more) == again.step(more))

# %% device
# longshort export pump.longshort --to c
# longshort export pump.longshort --to web

# %% sizes
from pathlib import Path

for path in sorted(Path().glob("pump*")):
    size = sum(each.stat().st_size for each in path.rglob("*")) or path.stat().st_size
    print(f"{path.name:<18} below {-(-size // 100_000) * 100} kB")
