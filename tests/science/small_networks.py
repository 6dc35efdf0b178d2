"""Networks so small that all of their Hessian can be had, and images for them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Case = tuple[nn.Module, Tensor, Tensor]


def softmax_regression() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(9, 4))


def with_batch_norm_and_dropout() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Tanh()),
        *(nn.Flatten(), nn.Linear(12, 4), nn.Dropout(0.5), nn.Tanh(), nn.Linear(4, 4)),
    )


def with_relu_and_pooling() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 3, 2), nn.ReLU(), nn.BatchNorm2d(3), nn.MaxPool2d(2, stride=1, padding=1)),
        *(nn.Flatten(), nn.Linear(27, 4), nn.Dropout(0.5), nn.ReLU(), nn.Linear(4, 4)),
    )


def partly_frozen() -> nn.Module:
    model = with_batch_norm_and_dropout()
    model[4].requires_grad_(False)
    return model


CASES = (softmax_regression, with_batch_norm_and_dropout, with_relu_and_pooling, partly_frozen)


def made(network: Callable[[], nn.Module], count: int = 23, dtype: torch.dtype = torch.float64) -> Case:
    """A network in training mode with running statistics of its own, and images with labels it does not know."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = network().to(dtype).train()
        model(torch.rand(50, 1, 3, 3, dtype=dtype))
        return model, torch.rand(count, 1, 3, 3, dtype=dtype), torch.arange(count) % 4
