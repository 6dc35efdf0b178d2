"""Networks that others wrote: the public functions are right about them, or say in one sentence why they cannot be."""

import copy
import warnings
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import pytest
import torch
from public_functions import FUNCTIONS, SETTINGS, Given, same
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune

from repro import C1, M1, StdCNN, fgsm, top_eigenvalue, train
from repro.science.attacks.attacks import input_gradient


class Viewing(nn.Module):
    """A LeNet as tutorials write it: the rows are a view of a convolution's output, which is not to be had of all."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 3, 2), nn.Conv2d(3, 4, 2)
        self.fc = nn.Linear(4 * 2 * 2, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.conv2(F.relu(self.conv1(x))))
        return self.fc(y.view(y.size(0), -1))


class Flattening(Viewing):
    """The same, for images in any layout."""

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.relu(self.conv2(F.relu(self.conv1(x)))).flatten(1))


class Residual(nn.Module):
    """A block with a shortcut and batch norm, a view after the mean over places, and one module used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.shared = nn.Conv2d(4, 4, 3, padding=1)
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stem(x)).tanh()
        x = x + self.shared(self.shared(x).tanh())
        return self.fc(F.avg_pool2d(x, 4).view(x.size(0), -1))


def tied() -> nn.Module:
    """Two layers of one weight."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    model[5].weight = model[3].weight
    return model


def pruned() -> nn.Module:
    model = Flattening()
    prune.l1_unstructured(model.conv2, "weight", 0.5)
    return model


def weight_normed() -> nn.Module:
    """By the hook of before, whose weight is no parameter."""
    model = Flattening()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it is deprecated, and everywhere
        nn.utils.weight_norm(model.fc)
    return model


def parametrised() -> nn.Module:
    model = Flattening()
    parametrizations.weight_norm(model.fc)
    return model


def hooked() -> nn.Module:
    """A hook changes what a layer returns."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 6), nn.ReLU(), nn.Linear(6, 4))
    model[1].register_forward_hook(lambda _module, _inputs, output: 2 * output)
    return model


NETWORKS = (Viewing, Flattening, Residual, tied, pruned, weight_normed, parametrised, hooked)


def made(network: Callable[[], nn.Module], dtype: torch.dtype = torch.float32) -> Given:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = network().to(dtype)
        return model, torch.rand(24, 2, 4, 4, dtype=dtype), torch.arange(24) % 4


@pytest.fixture(params=NETWORKS, ids=lambda network: network.__name__)
def network(request: pytest.FixtureRequest) -> Callable[[], nn.Module]:
    return request.param


def top_by_differences(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The top of the matrix of differences of the gradient, weight by weight, which needs no second derivative."""
    parameters = [p for p in model.eval().parameters() if p.requires_grad]

    def gradient() -> Tensor:
        found = torch.autograd.grad(F.cross_entropy(model(images), labels), parameters)
        return torch.cat([g.flatten() for g in found])

    rows = []
    for weights in (p.data.view(-1) for p in parameters):
        for i, before in enumerate(weights.tolist()):
            ends = []
            for step in (1e-6, -1e-6):
                weights[i] = before + step
                ends.append(gradient())
            weights[i] = before
            rows.append((ends[0] - ends[1]) / 2e-6)
    return torch.linalg.eigvalsh(torch.stack(rows))[-1].item()


def test_lambda1_is_right_or_is_refused(network: Callable[[], nn.Module]) -> None:
    """Only weight norm may be refused: PyTorch 2.14 differentiates it wrongly, by a fortieth of the largest entry."""
    given = made(network, torch.float64)
    found = None
    with nullcontext() if network not in (weight_normed, parametrised) else suppress(ValueError):
        found = top_eigenvalue(*given, tolerance=1e-8).value
    assert found is None or found == pytest.approx(top_by_differences(*given), rel=1e-6)


def test_attacks_follow_the_gradient(network: Callable[[], nn.Module]) -> None:
    model, images, labels = made(network)
    model.eval()
    leaf = images.clone().requires_grad_()
    F.cross_entropy(model(leaf), labels, reduction="sum").backward()
    expected = (images + 0.1 * leaf.grad.sign()).clamp(0, 1)
    torch.testing.assert_close(fgsm(model, images, labels, 0.1), expected)


def test_training_lowers_the_loss_and_leaves_an_ordinary_network(network: Callable[[], nn.Module]) -> None:
    model, images, labels = made(network)
    history = train(model, images, labels, SETTINGS)
    assert history.losses[1] < history.losses[0]
    assert not history.diverged
    assert model(images).shape == (24, 4)


def test_a_network_of_views_is_trained_as_one_that_flattens() -> None:
    found, expected = (FUNCTIONS["train"](*made(network)) for network in (Viewing, Flattening))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, check_dtype=False)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_network_stays_whole(network: Callable[[], nn.Module], name: str) -> None:
    """Its modules, hooks and parameters are there afterwards; only training moves the weights."""
    given = made(network)
    names = [name for name, _ in given[0].named_parameters()]
    before = copy.deepcopy(given[0].state_dict())
    try:
        FUNCTIONS[name](*given)
    except ValueError:
        assert (name, network) in [("top_eigenvalue", weight_normed), ("top_eigenvalue", parametrised)]
    assert [name for name, _ in given[0].named_parameters()] == names
    if name != "train":
        torch.testing.assert_close(given[0].state_dict(), before, rtol=0, atol=0)


# --- called from within a training ---


@pytest.mark.parametrize(("network", "shape"), [(M1, (1, 28, 28)), (StdCNN, (1, 28, 28)), (C1, (3, 32, 32))])
def test_lambda1_can_be_taken_at_a_step_of_a_training(network: type[nn.Module], shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model, images, labels = network(), torch.rand(16, *shape), torch.arange(16) % 10
    seen: list[Any] = []

    def look(_history: object) -> None:
        stopped = network()
        stopped.load_state_dict(model.state_dict())
        seen.append([top_eigenvalue(one, images, labels) for one in (model, stopped)])

    train(model, images, labels, SETTINGS, at_steps={2: look})
    ((found, expected),) = seen
    assert found.value == pytest.approx(expected.value, rel=1e-4)


# --- what cannot be ---


class Uncopied(Flattening):
    def __deepcopy__(self, _memo: object) -> "Uncopied":
        raise RuntimeError("there is one of me")


def test_a_network_that_cannot_be_copied_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="the network cannot be copied: RuntimeError: there is one of me"):
        top_eigenvalue(*made(Uncopied))


def test_a_network_without_parameters_to_train_is_one_sentence() -> None:
    model, images, labels = made(Flattening)
    for name in ("top_eigenvalue", "train"):
        with pytest.raises(ValueError, match="no parameter of the model requires gradients"):
            FUNCTIONS[name](model.requires_grad_(False), images, labels)
    assert not torch.equal(fgsm(model, images, labels, 0.1), images)  # an attack needs none
    _, gradient = input_gradient(model, images, labels, "cross-entropy")
    assert gradient.any()
    assert same(fgsm(model, images, labels, 0.0), images)
