"""Speed of the native scan in two versions of this package, turn by turn.

    python benchmarks/versions.py OLD/src NEW/src [--rounds 15] [--threads 1] [--out FILE]

Both folders have a native module that was built in the same way. Each version has a process of its
own, which waits while the other one works. A ratio is the median [quartiles] of the new version's
processor time by the old one's, one ratio a turn: below 1 the new one is faster. Shapes are batch,
steps, input size and hidden size, as in cells.py.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

SHAPES = ["1,1,128,128", "1,100,128,128", "32,100,128,128", "32,100,512,512", "20,35,650,650",
          "128,96,7,128", "256,24,16,64", "8,1,512,512", "4,3,128,128"]  # fmt: skip
WORKER = """
import sys, time, torch
import longshort as ls
from longshort import _native

torch.set_num_threads(int(sys.argv[1]))

def calls(shape, dtype):
    batch, steps, inputs, hidden = map(int, shape.split(","))
    torch.manual_seed(0)
    layer = ls.nn.LSTM(inputs, hidden, backend="native", dtype=dtype)
    x = torch.randn(steps, batch, inputs, dtype=dtype)
    gradient = torch.randn(steps, batch, hidden, dtype=dtype)

    def training():
        layer.zero_grad()
        layer(x)[0].backward(gradient)

    def inference():
        with torch.inference_mode():
            layer(x)

    def step():
        with torch.inference_mode():
            layer.step(x[0])

    return {"training": training, "inference": inference} | ({"step": step} if steps == 1 else {})

made = {}
for line in sys.stdin:
    shape, kind, dtype, seconds = line.split()
    key = shape, dtype
    if key not in made:
        made = {key: calls(shape, getattr(torch, dtype))}
    call = made[key].get(kind)
    if call is None:
        print(0, flush=True)
        continue
    call()
    count, begin = 0, time.process_time()
    while time.process_time() - begin < float(seconds):
        call()
        count += 1
    print((time.process_time() - begin) / count, flush=True)
"""


class Version:
    """A process with one version's package."""

    def __init__(self, source: Path, threads: int) -> None:
        environment = os.environ | {"PYTHONPATH": str(source.resolve())}
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(threads)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def seconds(self, shape: str, kind: str, dtype: str, block: float) -> float:
        assert self.process.stdin and self.process.stdout
        print(shape, kind, dtype, block, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def compared(
    old: Version, new: Version, shape: str, kind: str, dtype: str, rounds: int
) -> dict[str, Any] | None:
    pair = [old, new]
    times: dict[Version, list[float]] = {old: [], new: []}
    for _ in range(rounds + 1):
        for version in pair:
            times[version].append(version.seconds(shape, kind, dtype, 0.03))
        pair.reverse()
    if not times[old][0]:
        return None
    ratios = [b / a for a, b in zip(times[old][1:], times[new][1:], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    medians = [round(statistics.median(each[1:]) * 1e6, 1) for each in times.values()]
    return {"shape": shape, "what": kind, "dtype": dtype, "old_us": medians[0],
            "new_us": medians[1], "ratio": [round(r, 3) for r in (low, middle, high)]}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--shapes", nargs="+", default=SHAPES)
    parser.add_argument("--dtypes", nargs="+", default=["float32"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    old, new = Version(chosen.old, chosen.threads), Version(chosen.new, chosen.threads)
    found = []
    for dtype in chosen.dtypes:
        for shape in chosen.shapes:
            for kind in ("training", "inference", "step"):
                entry = compared(old, new, shape, kind, dtype, chosen.rounds)
                if entry is None:
                    continue
                found.append(entry)
                low, middle, high = entry["ratio"]
                print(f"{shape:<18}{kind:<11}{dtype:<10}{entry['old_us']:10.1f} µs →"
                      f"{entry['new_us']:10.1f} µs  {middle:.3f} [{low:.3f}, {high:.3f}]",
                      flush=True)  # fmt: skip
    if chosen.out:
        chosen.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
