"""The network's mode while a user's own validation runs."""

from __future__ import annotations

from torch import nn

from longshort.diagnosis.measured import Measured
from longshort.diagnosis.of_module import ModuleSubject
from longshort.diagnosis.subject import Subject

_RANDOM = (nn.Dropout, nn.modules.batchnorm._BatchNorm)


def measure(subject: Subject) -> Measured | None:
    """Measure in which mode the validation calls the network.

    in_training: share of its calls in training mode, where dropout or batch normalisation make a
    difference; 0 where the network has neither.
    """
    if not isinstance(subject, ModuleSubject) or subject.validate is None:
        return None
    module = subject.module
    layers = [each for each in module.modules() if isinstance(each, nn.RNNBase)]
    is_random = any(isinstance(each, _RANDOM) for each in module.modules())
    is_random = is_random or any(each.dropout for each in layers)
    modes: list[bool] = []
    hook = module.register_forward_pre_hook(lambda each, _args: modes.append(each.training))
    try:
        with subject.stepping():
            module.train()
            subject.validate()
    finally:
        hook.remove()
    share = sum(modes) / len(modes) if modes and is_random else 0.0
    said = f"validation calls the network in training mode in {share:.0%} of its calls"
    return Measured(said, {"in_training": share})
