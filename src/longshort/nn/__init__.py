"""`LSTM`, `GRU` and `RNN`, drop-in replacements for torch's, and `Recurrent` for any cell."""

from longshort.nn.layers import GRU, LSTM, RNN
from longshort.nn.options import LayerOptions
from longshort.nn.recurrent import Recurrent

__all__ = ["GRU", "LSTM", "RNN", "LayerOptions", "Recurrent"]
