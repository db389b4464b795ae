"""The executor on the CPU: a cell's graph as a program that C++ runs over time."""
