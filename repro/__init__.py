"""A paper's claims as tests.

What a notebook needs is importable from here; each name is loaded when it is first used, so that importing the package,
``--help`` and ``--plan`` never wait for torch.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

__version__: Final = "0.1.0"

if TYPE_CHECKING:
    from .experiment.recipes import BENCHMARK, LR, LR_BS, SGD
    from .report.opened import load
    from .science.attacks.attacks import Attack, fgsm, pgd
    from .science.curvature.hessian import top_eigenvalue
    from .science.curvature.lanczos import Eigenvalue
    from .science.networks.models import C1, M1, ResNet18, StdCNN
    from .science.training.settings import TrainingSettings
    from .science.training.training import train
    from .verdicts.claim import claim
    from .verdicts.curves import Curve

_HOMES: Final = {
    "M1": "science.networks.models",
    "StdCNN": "science.networks.models",
    "C1": "science.networks.models",
    "ResNet18": "science.networks.models",
    "Attack": "science.attacks.attacks",
    "fgsm": "science.attacks.attacks",
    "pgd": "science.attacks.attacks",
    "Eigenvalue": "science.curvature.lanczos",
    "top_eigenvalue": "science.curvature.hessian",
    "train": "science.training.training",
    "TrainingSettings": "science.training.settings",
    "BENCHMARK": "experiment.recipes",
    "LR": "experiment.recipes",
    "LR_BS": "experiment.recipes",
    "SGD": "experiment.recipes",
    "Curve": "verdicts.curves",
    "load": "report.opened",
    "claim": "verdicts.claim",
}

__all__ = [
    "BENCHMARK",
    "C1",
    "LR",
    "LR_BS",
    "M1",
    "SGD",
    "Attack",
    "Curve",
    "Eigenvalue",
    "ResNet18",
    "StdCNN",
    "TrainingSettings",
    "claim",
    "fgsm",
    "load",
    "pgd",
    "top_eigenvalue",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
