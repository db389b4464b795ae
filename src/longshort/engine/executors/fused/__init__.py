"""The executor that calls torch's own kernels, such as those of cuDNN."""
