"""Executors: modules that run a graph, all with the same inputs and outputs."""
