"""What several executors share: the job, its order, checks of tensors, values outside a scan."""
