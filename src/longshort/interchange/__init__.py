"""Weights to and from other libraries; torch needs nothing, its names are ours."""
