"""A network's Hessian-vector products by hand, against differentiating twice."""

import copy
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from repro.experiment.tasks import TASKS
from repro.experiment.trained_as import POOL_LAST
from repro.science.curvature.by_hand import passes
from repro.science.curvature.hessian import Hessian, unflatten
from repro.science.networks.models import BasicBlock, build

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


def of_task(
    name: str, trained_as: tuple[str, ...] = (), count: int = 9, seed: int = 0
) -> tuple[nn.Module, Tensor, Tensor]:
    task = TASKS[name]
    generator = torch.Generator().manual_seed(seed)
    shape = (count, task.dataset.channels, task.dataset.side, task.dataset.side)
    x = torch.rand(shape, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 10, (count,), generator=generator)
    return lived_in(build(task, 0, 8, trained_as).double(), x), x, labels


def direction(model: nn.Module) -> Tensor:
    size = sum(p.numel() for p in model.parameters())
    return torch.randn(size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def gradient(model: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """The gradient of the mean loss by PyTorch, flat."""
    parts = torch.autograd.grad(F.cross_entropy(model(x), labels), list(model.parameters()))
    return torch.cat([part.flatten() for part in parts])


def twice(model: nn.Module, x: Tensor, labels: Tensor, v: Tensor) -> Tensor:
    """H v by two automatic passes in PyTorch's default layout."""
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(F.cross_entropy(model(x), labels), parameters, create_graph=True)
    along = sum((g * d).sum() for g, d in zip(gradients, unflatten(v, parameters), strict=True))
    parts = torch.autograd.grad(along, parameters, materialize_grads=True)
    return torch.cat([part.flatten() for part in parts])


@pytest.mark.parametrize("chunk", [512, 4])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_papers_networks_have_the_products_of_differentiating_twice(network: str, chunk: int) -> None:
    model, x, labels = of_task(*NETWORKS[network])
    assert passes(model, list(model.parameters())) is not None
    v = direction(model)
    product = Hessian(model, x, labels, chunk)
    assert product.size == len(v)
    expected = twice(model, x, labels, v)
    torch.testing.assert_close(product(v), expected, rtol=1e-9, atol=1e-12 * expected.abs().max().item())
    torch.testing.assert_close(product(-2 * v), -2 * product(v))  # nothing is left of the product before
    torch.testing.assert_close(product.gradient(), gradient(model, x, labels), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("network", NETWORKS)
def test_in_single_precision_they_are_near_those_of_double_precision(network: str) -> None:
    """In the middle of five: where a rounding falls on the other side of a kink, a product moves by a thousandth."""
    errors = []
    for seed in range(5):
        model, x, labels = of_task(*NETWORKS[network], seed=seed)
        v = direction(model)
        true = twice(model, x, labels, v)
        found = Hessian(model.float(), x.float(), labels, 512)(v.float())
        errors.append(((found.double() - true).norm() / true.norm()).item())
    assert sorted(errors)[2] < 1e-5


@settings(max_examples=40)
@given(
    channels=st.sampled_from([(1, 4, 6), (3, 20, 20), (4, 16, 32)]),
    kernel=st.sampled_from([1, 2, 3, 5]),
    stride=st.integers(1, 2),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
    bias=st.booleans(),
    pool=st.sampled_from([nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, ceil_mode=True), nn.Identity()]),
    residual=st.booleans(),
    double=st.booleans(),
)
def test_any_network_of_known_layers_has_the_products_of_differentiating_twice(
    channels: tuple[int, int, int],
    kernel: int,
    stride: int,
    padding: int,
    dilation: int,
    groups: int,
    bias: bool,
    pool: nn.Module,
    residual: bool,
    double: bool,
) -> None:
    first, second, third = channels
    more = {"padding": padding, "dilation": dilation, "groups": groups, "bias": bias}
    layers = [nn.Conv2d(first, second, kernel, bias=bias), nn.BatchNorm2d(second), nn.ReLU()]
    layers += [nn.Conv2d(second, third, kernel, stride, **more), nn.ReLU(), copy.deepcopy(pool)]
    if residual:
        layers += [nn.Sequential(BasicBlock(third, 8, 2), BasicBlock(8, 8, 1))]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 if residual else third, 10, bias=bias)]
    generator = torch.Generator().manual_seed(3)
    x = torch.rand((5, first, 20, 20), generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 10, (5,), generator=generator)
    model = lived_in(nn.Sequential(*layers).double(), x)
    assert passes(model, list(model.parameters())) is not None
    v = direction(model)
    expected = twice(model, x, labels, v), gradient(model, x, labels)
    if not double:
        model, x, v = model.float(), x.float(), v.float()
    hessian = Hessian(model, x, labels, 512)
    for found, true in zip((hessian(v), hessian.gradient()), expected, strict=True):
        assert (found.double() - true).norm() <= (1e-10 if double else 1e-3) * true.norm() + 1e-12


def test_a_layer_that_is_used_twice_counts_twice() -> None:
    again = nn.Linear(6, 6)
    model = nn.Sequential(nn.Flatten(), again, nn.ReLU(), again, nn.ReLU(), nn.Linear(6, 3)).double()
    x, labels = torch.rand(7, 6, dtype=torch.float64), torch.arange(7) % 3
    v = direction(model)
    hessian = Hessian(model, x, labels, 3)
    torch.testing.assert_close(hessian(v), twice(model, x, labels, v))
    torch.testing.assert_close(hessian.gradient(), gradient(model, x, labels))


class Own(nn.ReLU):
    """A user's own layer, which may do anything."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) ** 2


def hooked() -> nn.Module:
    layer = nn.ReLU()
    layer.register_forward_hook(lambda _, __, y: 2 * y)
    return layer


def replaced() -> nn.Module:
    layer = nn.ReLU()
    layer.forward = lambda x: x.sin()  # type: ignore[method-assign, assignment]
    return layer


STRANGE: dict[str, Callable[[], nn.Module]] = {
    "a smooth one": nn.Tanh,
    "a user's own": Own,
    "one with a hook": hooked,
    "one with another forward": replaced,
    "a convolution around the edge": lambda: nn.Conv2d(3, 3, 3, padding=1, padding_mode="circular"),
    "a convolution that pads by a word": lambda: nn.Conv2d(3, 3, 3, padding="same"),
    "a norm of the batch at hand": lambda: nn.BatchNorm2d(3, track_running_stats=False),
    "a norm without weights": lambda: nn.BatchNorm2d(3, affine=False),
    "an average of another size": lambda: nn.AdaptiveAvgPool2d(2),
}


@pytest.mark.parametrize("strange", STRANGE)
def test_a_network_with_an_unknown_layer_is_differentiated_twice(strange: str) -> None:
    layers = [nn.Conv2d(1, 3, 3), STRANGE[strange](), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4)]
    model = nn.Sequential(*layers).double().eval()
    assert passes(model, list(model.parameters())) is None
    x, labels = torch.rand(6, 1, 8, 8, dtype=torch.float64), torch.arange(6) % 4
    v = direction(model)
    hessian = Hessian(model, x, labels, 512)
    torch.testing.assert_close(hessian(v), twice(model, x, labels, v))
    torch.testing.assert_close(hessian.gradient(), gradient(model, x, labels))


def test_a_network_with_frozen_parameters_is_differentiated_twice() -> None:
    model, _, _ = of_task("M1-MNIST")
    assert passes(model, list(model.parameters())[1:]) is None
