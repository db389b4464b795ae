"""Layers: `LSTM`, `GRU` and `RNN`, drop-in for their torch namesakes."""

from longshort.nn.recurrent import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN"]
