"""How a process computes in float32, and where it may compute in less."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from ...experiment.precisions import BFLOAT16, TF32


@contextmanager
def numerics(precision: str) -> Iterator[None]:
    """Let CUDA's float32 products be what a precision's name says, and its convolutions the same each time.

    Strict but for "tf32": cuDNN's convolutions would be TensorFloat-32 by default. cuDNN is kept to algorithms that
    sum in a fixed order and are not chosen by a race, so that a run ends in the same weights whoever trains it. Nothing
    of this touches a CPU. The settings are the process's own; they are put back at the end.
    """
    product = "tf32" if precision == TF32 else "ieee"
    cudnn = torch.backends.cudnn
    settings = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)  # type: ignore[attr-defined]
    before = [setting.fp32_precision for setting in settings]
    deterministic, raced = cudnn.deterministic, cudnn.benchmark
    for setting in settings:
        setting.fp32_precision = product
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        for setting, former in zip(settings, before, strict=True):
            setting.fp32_precision = former
        cudnn.deterministic, cudnn.benchmark = deterministic, raced


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """What to compute forward pass and loss under."""
    if precision != BFLOAT16:
        return nullcontext()
    # casts of weights are not kept: each weight is used once a step, and a captured step must make them anew
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
