import copy
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_input

from repro.experiment.tasks import TASKS
from repro.science.computing import products
from repro.science.computing.kernels import first_order
from repro.science.curvature.hessian import top_eigenvalue
from repro.science.networks.models import build

TASK_NAMES = ("M1-MNIST", "StdCNN-MNIST", "C1-CIFAR10", "ResNet18-CIFAR10")


def _derivatives(model: nn.Module, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Logits, and the loss's gradient in the pixels and in every parameter."""
    x = x.detach().requires_grad_()
    logits = model(x)
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(F.cross_entropy(logits, labels), [x, *parameters])
    return dict(zip(("logits", "pixels", *names), (logits.detach(), *gradients), strict=True))


def _error(found: Tensor, true: Tensor) -> float:
    return ((found.double() - true).norm() / true.norm()).item()


def smooth(network: nn.Module) -> nn.Sequential:
    """Its layers, but for those with kinks.

    Two roundings can fall on the two sides of a kink: a gradient moves by a thousandth, which says nothing of digits.
    """
    return nn.Sequential(*map(_without_kinks, network))


def _without_kinks(layer: nn.Module) -> nn.Module:
    if isinstance(layer, nn.MaxPool2d):
        return nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding)
    return nn.Softplus() if isinstance(layer, nn.ReLU) else layer


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("count", [1, 19, 64])
@pytest.mark.parametrize("name", TASK_NAMES)
def test_derivatives_are_as_near_to_double_precision_as_pytorchs_own(
    name: str, count: int, channels_last: bool
) -> None:
    task = TASKS[name]
    generator = torch.Generator().manual_seed(count)
    side, channels = task.dataset.side, task.dataset.channels
    x = torch.rand((count, channels, side, side), generator=generator)
    labels = torch.randint(0, 10, (count,), generator=generator)
    model = smooth(build(task, 0, width=8)).eval()
    true = _derivatives(copy.deepcopy(model).double(), x.double(), labels)
    if channels_last:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    plain = _derivatives(model, x, labels)
    with first_order(model):
        faster = _derivatives(model, x, labels)
    for part, value in true.items():
        assert faster[part].shape == value.shape
        assert _error(faster[part], value) < max(4 * _error(plain[part], value), 1e-6), part


@settings(max_examples=40)
@given(
    inputs=st.sampled_from([1, 3, 16, 20]),
    outputs=st.sampled_from([1, 16, 24]),
    kernel=st.integers(1, 6),
    padding=st.integers(0, 3),
    bias=st.booleans(),
    height=st.integers(6, 26),
    width=st.integers(6, 26),
)
def test_any_convolution_is_computed_as_pytorch_does(
    inputs: int, outputs: int, kernel: int, padding: int, bias: bool, height: int, width: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    layer = nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=bias)
    model = nn.Sequential(layer, nn.AdaptiveAvgPool2d(2), nn.Flatten())
    x = torch.rand((5, inputs, height, width), generator=generator)
    labels = torch.randint(0, 4 * outputs, (5,), generator=generator)
    plain = _derivatives(model, x, labels)
    with first_order(model):
        faster = _derivatives(model, x, labels)
    for part, value in plain.items():
        assert torch.allclose(faster[part], value, rtol=1e-3, atol=1e-5), part


@pytest.mark.parametrize("seed", range(3))
def test_a_first_gradient_of_batch_norm_in_training_keeps_its_digits(seed: int) -> None:
    """PyTorch's own loses them on channels_last images, the more the larger the batch: here 15 to 35 times as many."""
    model = smooth(build(TASKS["C1-CIFAR10"], seed)).train()
    x = torch.rand((128, 3, 32, 32), generator=torch.Generator().manual_seed(seed))
    labels = torch.arange(128) % 10
    true = _derivatives(copy.deepcopy(model).double(), x.double(), labels)
    contiguous = _derivatives(copy.deepcopy(model), x, labels)
    model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    with first_order(model):
        found = _derivatives(model, x, labels)
    for part, value in true.items():
        assert _error(found[part], value) < max(3 * _error(contiguous[part], value), 1e-5), part


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_the_gradient_of_batch_norm_lies_as_its_images_do(memory_format: torch.memory_format) -> None:
    """Else the pooling before it would bring the larger images into another layout and back."""
    norm = nn.BatchNorm2d(4).train()
    x = torch.rand(5, 4, 6, 7).contiguous(memory_format=memory_format).requires_grad_()
    weights = torch.rand(5, 4, 6, 7)
    (plain,) = torch.autograd.grad((norm(x) * weights).sum(), x)
    with first_order(norm):
        (found,) = torch.autograd.grad((norm(x) * weights).sum(), x)
    assert found.is_contiguous(memory_format=memory_format)
    torch.testing.assert_close(found, plain)


def _spied(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[torch.Size]:
    """The shapes of the first tensor of each call of a module's function."""
    shapes: list[torch.Size] = []
    true: Callable[..., Tensor] = getattr(module, name)

    def spy(*arguments: object) -> Tensor:
        shapes.append(next(a.shape for a in arguments if isinstance(a, Tensor)))
        return true(*arguments)

    monkeypatch.setattr(module, name, spy)
    return shapes


def test_each_algorithm_is_used_where_it_was_measured_to_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    fourier, linear = _spied(monkeypatch, products, "fourier"), _spied(monkeypatch, products, "onednn")
    model, x, labels = build(TASKS["M1-MNIST"], 0), torch.rand(2, 1, 28, 28), torch.tensor([3, 4])
    with first_order(model):
        _derivatives(model, x, labels)
    # the second convolution forward and back, the first hidden layer forward and its two gradients
    assert fourier == [(2, 20, 24, 24), (2, 20, 20, 20)]
    assert linear == [(2, 8000), (2, 500), (500, 2)]
    model = build(TASKS["C1-CIFAR10"], 0).eval()
    with first_order(model):
        _derivatives(model, torch.rand(2, 3, 32, 32), labels)
    assert fourier[2:] == []  # half of the transforms would be of nothing
    assert linear[3:] == [(2, 4096), (2, 384), (384, 2)]
    with first_order(model):
        _derivatives(model, torch.rand(1, 3, 32, 32), labels[:1])
    assert linear[6:] == []  # one image is too few for a layer of its size


@pytest.mark.parametrize("name", TASK_NAMES)
def test_no_gradient_in_the_weights_is_computed_for_an_attack(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = _spied(monkeypatch, products, "_by_pytorch")
    linear = _spied(monkeypatch, products, "onednn")
    task = TASKS[name]
    model = build(task, 0, width=8).eval()
    x = torch.rand((3, task.dataset.channels, task.dataset.side, task.dataset.side)).requires_grad_()
    labels = torch.tensor([1, 2, 3])
    (plain,) = torch.autograd.grad(F.cross_entropy(model(x), labels), x)
    with first_order(model, in_weights=False):
        (faster,) = torch.autograd.grad(F.cross_entropy(model(x), labels), x)
    assert torch.allclose(plain, faster, rtol=1e-3, atol=1e-7)
    backward = [(3, 64, 16, 16)] if name == "C1-CIFAR10" else []  # of the input
    assert weights == backward
    assert len(linear) == (2 if name in ("M1-MNIST", "C1-CIFAR10") else 0)


@pytest.mark.parametrize(("channels", "groups", "calls"), [(10, 1, 1), (20, 1, 1), (16, 1, 2), (10, 2, 2)], ids=str)
def test_gradients_that_leave_a_vector_unfilled_go_back_together(
    monkeypatch: pytest.MonkeyPatch, channels: int, groups: int, calls: int
) -> None:
    layer, x = nn.Conv2d(8, channels, 3, groups=groups), torch.rand(4, 8, 9, 9)
    pairs = [(torch.rand(4, channels, 7, 7), torch.rand_like(layer.weight)) for _ in range(2)]
    true = sum(conv2d_input(x.shape, w.double(), g.double(), groups=groups) for g, w in pairs)
    asked = _spied(monkeypatch, products, "back")
    found = products.back_sum(layer, pairs, x)
    assert len(asked) == calls
    assert _error(found, true) < 1e-6
    exact = products.back_sum(layer.double(), [(g.double(), w.double()) for g, w in pairs], x.double())
    assert len(asked) == calls + 2  # in double precision vectors are filled otherwise
    assert _error(exact, true) < 1e-14


def test_twice_differentiating_is_refused_not_wrong() -> None:
    model, x = build(TASKS["M1-MNIST"], 0), torch.rand(2, 1, 28, 28)
    parameters = list(model.parameters())
    with first_order(model), pytest.raises(RuntimeError, match="only first derivatives"):
        torch.autograd.grad(model(x).square().sum(), parameters, create_graph=True)


def test_the_hessian_is_of_the_plain_network() -> None:
    model, x, labels = build(TASKS["M1-MNIST"], 0), torch.rand(4, 1, 28, 28), torch.tensor([0, 1, 2, 3])
    before = top_eigenvalue(model, x, labels)
    with first_order(model):
        pass
    assert top_eigenvalue(model, x, labels) == before


def test_a_network_is_left_as_it_was_even_after_an_error() -> None:
    model = build(TASKS["C1-CIFAR10"], 0)
    before = [dict(vars(layer)) for layer in model.modules()]

    def broken() -> None:
        with first_order(model), first_order(model, in_weights=False):
            assert any("forward" in vars(layer) for layer in model.modules())
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken()
    assert [dict(vars(layer)) for layer in model.modules()] == before


class Own(nn.Conv2d):
    """A user's own layer, which may do anything."""


@pytest.mark.parametrize(
    "layer",
    [
        Own(1, 2, 3),
        nn.Conv2d(1, 2, 3, stride=2),
        nn.Conv2d(1, 2, 3, dilation=2),
        nn.Conv2d(2, 2, 3, groups=2),
        nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(1, 2, 3, padding="same"),
        nn.Conv2d(1, 2, 3, dtype=torch.float64),
        nn.Conv2d(8, 8, 5),
        nn.Conv2d(20, 20, 3),
        nn.Linear(100, 100),
    ],
    ids=str,
)
def test_other_layers_are_left_alone(layer: nn.Module) -> None:
    with first_order(layer):
        assert "forward" not in vars(layer)


def test_without_the_libraries_pytorchs_own_choice_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.nnpack, "is_available", lambda: False)
    monkeypatch.setattr(products, "_has_onednn", lambda: False)
    fourier, linear = _spied(monkeypatch, products, "fourier"), _spied(monkeypatch, products, "onednn")
    model, x, labels = build(TASKS["M1-MNIST"], 0), torch.rand(2, 1, 28, 28), torch.tensor([3, 4])
    plain = _derivatives(model, x, labels)
    with first_order(model):
        faster = _derivatives(model, x, labels)
    assert not fourier
    assert not linear
    assert all(torch.allclose(faster[part], value, rtol=1e-3, atol=1e-7) for part, value in plain.items())
