"""Which GPU a worker uses."""

import os
from collections.abc import MutableMapping

from ..errors import SettingError


def require_cuda() -> int:
    """The number of GPUs torch sees; SettingError if there is none."""
    import torch  # only with --gpu

    if not torch.cuda.is_available():
        raise SettingError(
            "--gpu: torch finds no CUDA device; leave --gpu out, or install a torch with CUDA and a driver"
        )
    return torch.cuda.device_count()


def choose(worker: int, count: int, environment: MutableMapping[str, str] = os.environ) -> str:
    """Give a worker one of the GPUs that the caller made visible, in turn; to be called before CUDA starts."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    names = map(str, range(count)) if visible is None else (name.strip() for name in visible.split(","))
    devices = list(names)[:count]  # CUDA stops at the first name that it does not know
    chosen = devices[worker % len(devices)]
    environment["CUDA_VISIBLE_DEVICES"] = chosen
    return chosen
