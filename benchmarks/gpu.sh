#!/usr/bin/env bash
# What has to be known of a GPU, in at most 8 minutes: whether the Triton scan computes there what the
# reference does, how fast every cell is beside cuDNN and a Python loop, and whether tasks train, load
# and predict there. Results: benchmarks/results/gpu.json, written anew after every step.
#
#   benchmarks/gpu.sh [--toy] [--seconds N] [--out FILE]
#
# --toy: the same at toy size on the CPU, in Triton's interpreter, to see that the script works; its
# results go nowhere unless --out says where.
#
# longshort, Triton, pytest and pytest-xdist have to be installed in $PYTHON's environment.
set -euo pipefail
cd "$(dirname "$0")/.."

for argument in "$@"; do
  if [ "$argument" = --toy ]; then export TRITON_INTERPRET=1 OMP_NUM_THREADS=1; fi
done
exec "${PYTHON:-python3}" benchmarks/gpu.py "$@"
