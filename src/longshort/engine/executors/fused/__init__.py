"""The executor that calls kernels of torch itself, such as those of cuDNN."""
