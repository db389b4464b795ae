"""Code that executors share: the job, its plan, checks of tensors, and values outside a scan."""
