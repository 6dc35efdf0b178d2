"""A paper's claims as tests.

What a notebook needs is importable from here; each name is loaded when it is first used, so that importing the package,
``--help`` and ``--plan`` never wait for torch.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .claims import claim
    from .curves import Curve
    from .science.attacks import fgsm, pgd
    from .science.hessian import top_eigenvalue
    from .science.lanczos import Eigenvalue
    from .science.models import C1, M1, ResNet18, StdCNN
    from .science.recipes import BENCHMARK, LR, LR_BS, SGD
    from .science.settings import TrainingSettings
    from .science.training import train

_HOMES: Final = {
    "M1": "science.models",
    "StdCNN": "science.models",
    "C1": "science.models",
    "ResNet18": "science.models",
    "fgsm": "science.attacks",
    "pgd": "science.attacks",
    "Eigenvalue": "science.lanczos",
    "top_eigenvalue": "science.hessian",
    "train": "science.training",
    "TrainingSettings": "science.settings",
    "BENCHMARK": "science.recipes",
    "LR": "science.recipes",
    "LR_BS": "science.recipes",
    "SGD": "science.recipes",
    "Curve": "curves",
    "claim": "claims",
}

__all__ = [
    "BENCHMARK",
    "C1",
    "LR",
    "LR_BS",
    "M1",
    "SGD",
    "Curve",
    "Eigenvalue",
    "ResNet18",
    "StdCNN",
    "TrainingSettings",
    "claim",
    "fgsm",
    "pgd",
    "top_eigenvalue",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
