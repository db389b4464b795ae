"""What one writes without longshort: FastAPI, pydantic, torch's LSTM and a dict of states."""

from __future__ import annotations

import os
import uuid

import torch
from fastapi import FastAPI
from pydantic import BaseModel
from torch import Tensor, nn

torch.set_num_threads(1)
HIDDEN = int(os.environ["HIDDEN"])
app = FastAPI()
lstm, head = nn.LSTM(1, HIDDEN), nn.Linear(HIDDEN, 1)
states: dict[str, tuple[Tensor, Tensor]] = {}


class Step(BaseModel):
    y: float


@app.get("/readyz")
async def ready() -> dict[str, bool]:
    return {"ready": True}


@app.post("/v1/sessions")
async def begin() -> dict[str, str]:
    name = uuid.uuid4().hex
    states[name] = (torch.zeros(1, 1, HIDDEN), torch.zeros(1, 1, HIDDEN))
    return {"session": name}


@app.post("/v1/sessions/{name}/step")
async def step(name: str, given: Step) -> dict[str, float]:
    with torch.inference_mode():
        out, states[name] = lstm(torch.tensor([[[given.y]]]), states[name])
        return {"expected": float(head(out)[0, 0, 0])}
