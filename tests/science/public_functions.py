"""The public functions as one kind of thing: what a network, images and labels come to."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from repro import SGD, TrainingSettings, fgsm, pgd, top_eigenvalue, train

Given = tuple[nn.Module, Tensor, Tensor]
SETTINGS = TrainingSettings(sgd=SGD(0.1, 0.9), batch_size=8, epochs=2, seed=0)


def trained(model: nn.Module, images: Tensor, labels: Tensor) -> list[Tensor]:
    """The weights after two epochs, and the losses on the way."""
    history = train(model, images, labels, SETTINGS)
    return [
        *(p.detach().clone() for p in model.parameters()),
        torch.tensor(history.losses, dtype=torch.float64, device="cpu"),
    ]


def attacked(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    generator = torch.Generator("cpu").manual_seed(0)
    return pgd(model, images, labels, 0.1, steps=3, step_size=0.05, generator=generator)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "fgsm": lambda *given: fgsm(*given, 0.1),
    "pgd": attacked,
    "top_eigenvalue": top_eigenvalue,
    "train": trained,
}


def same(a: Any, b: Any) -> bool:
    """Whether two results agree to the last bit."""
    if isinstance(a, Tensor):
        return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)
    return all(map(same, a, b)) if isinstance(a, list) else a == b
