"""`LSTM`, `GRU` and `RNN`, drop-in replacements for torch's, and `Recurrent` for any cell.

`ConvLSTM`, `ConvGRU` and `ConvRecurrent` run over maps.
"""

from longshort.nn.convolutional import ConvGRU, ConvLSTM, ConvRecurrent
from longshort.nn.layers import GRU, LSTM, RNN
from longshort.nn.options import LayerOptions
from longshort.nn.recurrent import Recurrent

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "ConvGRU",
    "ConvLSTM",
    "ConvRecurrent",
    "LayerOptions",
    "Recurrent",
]
