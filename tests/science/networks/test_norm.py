"""Batch norm on a CPU: PyTorch's own in what it computes, without the digits that PyTorch's own loses."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro import train
from repro.experiment.recipes import SGD
from repro.experiment.tasks import C1_CIFAR10
from repro.science.networks.models import build
from repro.science.networks.norm import BatchNorm
from repro.science.training.settings import TrainingSettings

LAYOUTS = (torch.channels_last, torch.contiguous_format)
layouts = pytest.mark.parametrize("layout", LAYOUTS, ids=["channels_last", "contiguous"])


def error(found: Tensor, true: Tensor) -> float:
    return ((found.double() - true).norm() / true.norm()).item()


def pair() -> tuple[BatchNorm, nn.BatchNorm2d]:
    """Ours in single and PyTorch's in double precision, with equal weights that are not those of the beginning."""
    ours, its = BatchNorm(5), nn.BatchNorm2d(5).double()
    with torch.no_grad():
        ours.weight.copy_(torch.linspace(-1, 2, 5))
        ours.bias.copy_(torch.linspace(0, 1, 5))
    its.load_state_dict(ours.state_dict())
    return ours, its


def passed(norm: nn.Module, x: Tensor, g: Tensor) -> tuple[Tensor, ...]:
    """Output, and the gradients in images and parameters."""
    x = x.detach().requires_grad_()
    y = norm(x)
    return y.detach(), *torch.autograd.grad(y, [x, *norm.parameters()], g)


@layouts
def test_output_gradients_and_running_statistics_are_pytorchs(layout: torch.memory_format) -> None:
    ours, its = pair()
    generator = torch.Generator().manual_seed(0)
    for count in (7, 1, 30):
        x = (3 + torch.randn(count, 5, 4, 6, generator=generator)).contiguous(memory_format=layout)
        g = torch.randn(count, 5, 4, 6, generator=generator).contiguous(memory_format=layout)
        found, true = passed(ours, x, g), passed(its, x.double(), g.double())
        assert max(map(error, found, true)) < 1e-5
        assert all(part.is_contiguous(memory_format=layout) for part in found[:2])  # a copy would cost a tenth of C1
    for name, value in its.state_dict().items():
        assert ours.state_dict()[name].dtype == (value.dtype if name == "num_batches_tracked" else torch.float32)
        torch.testing.assert_close(ours.state_dict()[name], value, check_dtype=False, rtol=1e-6, atol=1e-6)
    x = torch.randn(3, 5, 4, 6, generator=generator)
    torch.testing.assert_close(ours.eval()(x), its.eval()(x.double()).float())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_in_other_precisions_it_is_pytorchs_own(dtype: torch.dtype) -> None:
    ours, x = BatchNorm(5).to(dtype), torch.rand(8, 5, 3, 3, dtype=dtype)
    its = nn.BatchNorm2d(5).to(dtype)
    assert torch.equal(ours(x), its(x))
    assert all(torch.equal(value, its.state_dict()[name]) for name, value in ours.state_dict().items())


@pytest.mark.parametrize("count", [512, 1024])
def test_a_channel_of_many_values_keeps_its_digits(count: int) -> None:
    """PyTorch's own output is off by 4e-5 and more on these, and its gradient too."""
    generator = torch.Generator().manual_seed(count)
    x, g = (draw(count, 5, 16, 16, generator=generator) for draw in (torch.rand, torch.randn))
    x, g = (values.contiguous(memory_format=torch.channels_last) for values in (x, g))
    ours, its = pair()
    found, true = passed(ours, x, g), passed(its, x.double(), g.double())
    assert max(map(error, found, true)) < 1e-5


def smooth(network: nn.Module) -> nn.Sequential:
    """Its layers, but for those with kinks.

    Two roundings can fall on the two sides of a kink: a gradient moves by a thousandth, which says nothing of digits.
    """
    return nn.Sequential(*map(without_kinks, network))


def without_kinks(layer: nn.Module) -> nn.Module:
    if isinstance(layer, nn.MaxPool2d):
        return nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding)
    return nn.Softplus() if isinstance(layer, nn.ReLU) else layer


def derivatives(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The loss's gradient in every parameter, and the logits."""
    logits = model(x)
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(F.cross_entropy(logits, torch.arange(len(x)) % 10), parameters)
    return dict(zip(("logits", *names), (logits.detach(), *gradients), strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_a_first_gradient_of_c1_keeps_its_digits(seed: int) -> None:
    """With PyTorch's own batch norm on channels_last images it has lost them, the more the larger the batch."""
    model = smooth(build(C1_CIFAR10, seed)).train()
    x = torch.rand((128, 3, 32, 32), generator=torch.Generator().manual_seed(seed))
    true = derivatives(copy.deepcopy(model).double(), x.double())
    contiguous = derivatives(copy.deepcopy(model), x)
    found = derivatives(model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last))
    for part, value in true.items():
        assert error(found[part], value) < max(3 * error(contiguous[part], value), 1e-5), part


def test_to_differentiate_twice_in_training_is_refused_not_wrong() -> None:
    norm, x = BatchNorm(2), torch.rand(3, 2, 4, 4)
    with pytest.raises(RuntimeError, match="only first derivatives"):
        torch.autograd.grad(norm(x).square().sum(), norm.weight, create_graph=True)
    norm.eval()
    (first,) = torch.autograd.grad(norm(x).square().sum(), norm.weight, create_graph=True)
    assert torch.autograd.grad(first.sum(), norm.weight)[0].any()


def test_a_single_value_has_no_variance() -> None:
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        BatchNorm(2)(torch.rand(1, 2, 1, 1))


@pytest.mark.parametrize("norm", [BatchNorm, nn.BatchNorm2d])
def test_whoever_brings_a_network_with_batch_norm_has_its_digits_kept(norm: type[nn.BatchNorm2d]) -> None:
    """One step from equal weights: what it moves them by is the gradient."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Softplus(), norm(5), nn.AdaptiveAvgPool2d(2), nn.Flatten())
    model.append(nn.Linear(20, 10))
    x, y = torch.rand(256, 3, 18, 18), torch.arange(256) % 10
    true, before = derivatives(copy.deepcopy(model).double(), x.double()), copy.deepcopy(model)
    train(model, x, y, TrainingSettings(sgd=SGD(1.0, 0.0), batch_size=256, epochs=1, seed=0))
    moved = {name: before.get_parameter(name) - p for name, p in model.named_parameters()}
    assert max(error(moved[name].detach(), true[name]) for name in ("2.weight", "2.bias", "5.weight")) < 1e-4
