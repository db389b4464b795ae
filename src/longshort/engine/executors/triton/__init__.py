"""The executor on a GPU: a cell's graph as kernels that Triton compiles."""
