"""Cells: each is its equations, and nothing else."""

from longshort.cells.clockwork import ClockworkRNN
from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value, Vector
from longshort.cells.gru import GRU
from longshort.cells.hmlstm import HMLSTM
from longshort.cells.indrnn import IndRNN
from longshort.cells.janet import JANET
from longshort.cells.lstm import LSTM
from longshort.cells.minimal import MinGRU, MinLSTM
from longshort.cells.mogrifier import MogrifierLSTM
from longshort.cells.multiplicative import MultiplicativeLSTM
from longshort.cells.onlstm import ONLSTM
from longshort.cells.phased import PhasedLSTM
from longshort.cells.qrnn import QRNN
from longshort.cells.rnn import RNN
from longshort.cells.slstm import SLSTM
from longshort.cells.sru import SRU

__all__ = [
    "GRU",
    "HMLSTM",
    "JANET",
    "LSTM",
    "ONLSTM",
    "QRNN",
    "RNN",
    "SLSTM",
    "SRU",
    "Cell",
    "ClockworkRNN",
    "IndRNN",
    "Map",
    "MinGRU",
    "MinLSTM",
    "MogrifierLSTM",
    "MultiplicativeLSTM",
    "PhasedLSTM",
    "Sizes",
    "Start",
    "State",
    "Value",
    "Vector",
]
