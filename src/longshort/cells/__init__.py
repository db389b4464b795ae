"""Cells: each one its equations, and nothing else."""

from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value, Vector
from longshort.cells.lstm import LSTM

__all__ = ["LSTM", "Cell", "Map", "Sizes", "Start", "State", "Value", "Vector"]
