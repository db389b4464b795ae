"""Check whether a tensor has the memory for its shape, which native code relies on."""

from __future__ import annotations

from torch import Tensor


def hollow(value: Tensor) -> bool:
    """Whether a tensor's memory ends before its last element, as after freeing its storage.

    For tensors with a storage: not for those of torch.func's transforms, and not for sparse ones.
    """
    if value.is_contiguous():
        reach = value.numel()
    else:
        steps = zip(value.shape, value.stride(), strict=True)
        reach = 1 + sum((size - 1) * stride for size, stride in steps)
    held = value.untyped_storage().nbytes()
    return reach > 0 and (value.storage_offset() + reach) * value.itemsize > held
