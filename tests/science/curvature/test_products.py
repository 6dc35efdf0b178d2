"""Hessian-vector products of the paper's networks, laid out as they are fastest, against PyTorch's plain layout."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.experiment.tasks import TASKS
from repro.experiment.trained_as import POOL_LAST
from repro.science.curvature.hessian import Hessian, unflatten
from repro.science.networks.models import build

NETWORKS = {name: (name, ()) for name in TASKS} | {"C1, pool last": ("C1-CIFAR10", (POOL_LAST,))}


def lived_in(model: nn.Module, x: Tensor) -> nn.Module:
    """A network in evaluation mode whose batch norms have statistics, weights and biases of their own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                nn.init.uniform_(layer.bias, -0.5, 0.5)
        model.train()(x)
    return model.eval()


def of_task(name: str, trained_as: tuple[str, ...] = (), seed: int = 0) -> tuple[nn.Module, Tensor, Tensor]:
    task = TASKS[name]
    generator = torch.Generator().manual_seed(seed)
    shape = (9, task.dataset.channels, task.dataset.side, task.dataset.side)
    x = torch.rand(shape, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 10, (9,), generator=generator)
    return lived_in(build(task, 0, 8, trained_as).double(), x), x, labels


def direction(model: nn.Module) -> Tensor:
    size = sum(p.numel() for p in model.parameters())
    return torch.randn(size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def oracle(model: nn.Module, x: Tensor, labels: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """H v and the gradient of the mean loss by automatic passes over all images at once."""
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(F.cross_entropy(model(x), labels), parameters, create_graph=True)
    along = sum((g * d).sum() for g, d in zip(gradients, unflatten(v, parameters), strict=True))
    parts = torch.autograd.grad(along, parameters, materialize_grads=True)
    return torch.cat([part.flatten() for part in parts]), torch.cat([g.detach().flatten() for g in gradients])


@pytest.mark.parametrize("chunk", [512, 4])
@pytest.mark.parametrize("network", NETWORKS)
def test_products_and_gradient_are_those_of_plain_passes(network: str, chunk: int) -> None:
    model, x, labels = of_task(*NETWORKS[network])
    v = direction(model)
    product, gradient = oracle(model, x, labels, v)
    hessian = Hessian(model, x, labels, chunk)
    assert hessian.size == len(v)
    torch.testing.assert_close(hessian(v), product, rtol=1e-9, atol=1e-12 * product.abs().max().item())
    torch.testing.assert_close(hessian(-2 * v), -2 * hessian(v))  # nothing is left of the product before
    torch.testing.assert_close(hessian.gradient(), gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("network", NETWORKS)
def test_in_single_precision_they_are_near_those_of_double_precision(network: str) -> None:
    """In the middle of five: where a rounding falls on the other side of a kink, a product moves by a thousandth."""
    errors = []
    for seed in range(5):
        model, x, labels = of_task(*NETWORKS[network], seed=seed)
        v = direction(model)
        true, _ = oracle(model, x, labels, v)
        found = Hessian(model.float(), x.float(), labels, 512)(v.float())
        errors.append(((found.double() - true).norm() / true.norm()).item())
    assert sorted(errors)[2] < 1e-5


def test_a_layer_that_is_used_twice_counts_twice() -> None:
    again = nn.Linear(6, 6)
    model = nn.Sequential(nn.Flatten(), again, nn.ReLU(), again, nn.ReLU(), nn.Linear(6, 3)).double()
    x, labels = torch.rand(7, 6, dtype=torch.float64), torch.arange(7) % 3
    v = direction(model)
    product, gradient = oracle(model, x, labels, v)
    hessian = Hessian(model, x, labels, 3)
    torch.testing.assert_close(hessian(v), product)
    torch.testing.assert_close(hessian.gradient(), gradient)


def test_parameters_that_are_held_fast_are_no_part_of_it() -> None:
    model, x, labels = of_task("M1-MNIST")
    v, first = direction(model), next(model.parameters())
    alone = torch.cat([torch.zeros(first.numel(), dtype=v.dtype), v[first.numel() :]])
    expected, gradient = (whole[first.numel() :] for whole in oracle(model, x, labels, alone))
    first.requires_grad_(False)
    hessian = Hessian(model, x, labels, 512)
    torch.testing.assert_close(hessian(v[first.numel() :]), expected)
    torch.testing.assert_close(hessian.gradient(), gradient)
