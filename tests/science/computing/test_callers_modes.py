"""The public functions do the same whatever the caller's modes are, and leave them and the network's as they were."""

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import torch
from public_functions import FUNCTIONS, SETTINGS, Given, same
from small_networks import made, with_batch_norm_and_dropout, with_relu_and_pooling
from torch import Tensor, nn

from repro import fgsm, pgd, top_eigenvalue, train


@contextmanager
def default_device(device: str) -> Iterator[None]:
    """Tensors that name no device hold nothing at all, or lie where the caller wants them."""
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


MODES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "default device": lambda: default_device("meta"),
    "default dtype of 64 bits": lambda: default_dtype(torch.float64),
    "default dtype of 16 bits": lambda: default_dtype(torch.float16),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}


def gelu() -> nn.Module:
    """Layers that are differentiated twice; lambda1 was 0 of such a network under no_grad."""
    return nn.Sequential(nn.Flatten(), nn.Linear(9, 6), nn.GELU(), nn.Linear(6, 4))


NETWORKS = (gelu, with_relu_and_pooling, with_batch_norm_and_dropout)


def state() -> tuple[Any, ...]:
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_device(),
        torch.get_default_dtype(),
        torch.is_autocast_enabled("cpu"),
    )


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.__name__)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("mode", MODES)
def test_a_callers_mode_changes_nothing(name: str, mode: str, network: Callable[[], nn.Module]) -> None:
    expected = FUNCTIONS[name](*made(network, 20, torch.float32))
    given = made(network, 20, torch.float32)
    with MODES[mode]():
        before = state()
        found = FUNCTIONS[name](*given)
        after = state()
    assert same(found, expected)
    assert after == before


@pytest.mark.parametrize("name", ["fgsm", "pgd", "top_eigenvalue"])
def test_all_may_have_been_made_in_inference_mode(name: str) -> None:
    expected = FUNCTIONS[name](*made(gelu, 20, torch.float32))
    with torch.inference_mode():
        assert same(FUNCTIONS[name](*made(gelu, 20, torch.float32)), expected)


def test_a_network_made_in_inference_mode_cannot_be_trained() -> None:
    with torch.inference_mode():
        given = made(gelu, 20, torch.float32)
        with pytest.raises(ValueError, match="made in inference mode, where parameters have no derivative"):
            train(*given, SETTINGS)


# --- outputs without a graph ---


class Detached(nn.Module):
    def __init__(self, inner: nn.Module, before: bool) -> None:
        super().__init__()
        self.inner, self.before = inner, before

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.detach()) if self.before else self.inner(x).detach()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_detached_output_is_an_error_and_never_zero(name: str) -> None:
    model, images, labels = made(gelu, 20, torch.float32)
    with pytest.raises(ValueError, match="the network's output is detached from its"):
        FUNCTIONS[name](Detached(model, before=False), images, labels)


@pytest.mark.parametrize("name", ["fgsm", "pgd"])
def test_a_network_that_detaches_its_images_cannot_be_attacked(name: str) -> None:
    model, images, labels = made(gelu, 20, torch.float32)
    with pytest.raises(ValueError, match="the network's output is detached from its images"):
        FUNCTIONS[name](Detached(model, before=True), images, labels)


# --- evaluation mode ---


def attacks(given: Given, **further: bool) -> list[Tensor]:
    steps = {"steps": 2, "step_size": 0.05, "random_start": False}
    return [fgsm(*given, 0.1, **further), pgd(*given, 0.1, **steps, **further)]


def test_a_network_in_training_mode_is_attacked_in_evaluation_mode_and_left_as_it_was() -> None:
    model, images, labels = made(with_batch_norm_and_dropout, 20, torch.float32)
    model[0].eval()  # each module has a mode of its own
    modes, statistics = [part.training for part in model.modules()], copy.deepcopy(model.state_dict())
    found = attacks((model, images, labels))
    assert [part.training for part in model.modules()] == modes
    torch.testing.assert_close(model.state_dict(), statistics, rtol=0, atol=0)
    assert same(found, attacks((copy.deepcopy(model).eval(), images, labels)))


def test_a_caller_may_ask_for_the_mode_that_the_network_is_in() -> None:
    model, images, labels = made(with_batch_norm_and_dropout, 20, torch.float32)
    statistics = copy.deepcopy(model.state_dict())
    torch.manual_seed(0)
    first = attacks((model, images, labels), evaluation=False)
    assert not same(first, attacks((model, images, labels)))  # dropout and the batch's own statistics
    assert not torch.equal(model[1].running_mean, statistics["1.running_mean"])
    assert all(part.training for part in model.modules())


def test_a_failure_leaves_the_networks_mode_as_it_was() -> None:
    model, images, labels = made(with_batch_norm_and_dropout, 20, torch.float32)
    for function in FUNCTIONS.values():
        with pytest.raises(ValueError, match="must be from 0 to 3"):
            function(model, images, labels + 9)
        assert all(part.training for part in model.modules())


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.__name__)
def test_what_looks_at_a_network_in_training_sees_it_as_it_is(network: Callable[[], nn.Module]) -> None:
    """At a step of its training, lambda1 and attacks are those of the network that stops there, and nothing moves."""
    model, images, labels = made(network, 20, torch.float32)
    seen: list[Any] = []
    train(model, images, labels, SETTINGS, at_steps={3: lambda _: seen.extend(looked_at(model, images, labels))})
    stopped = made(network, 20, torch.float32)
    plain = copy.deepcopy(stopped[0])
    train(stopped[0], images, labels, SETTINGS, at_steps={3: lambda _: plain.load_state_dict(stopped[0].state_dict())})
    assert seen == looked_at(plain, images, labels)
    torch.testing.assert_close(model.state_dict(), stopped[0].state_dict(), rtol=0, atol=0)


def looked_at(model: nn.Module, images: Tensor, labels: Tensor) -> list[float]:
    adversarial = fgsm(model, images, labels, 0.1)
    return [round(top_eigenvalue(model, images, labels).value, 4), round(adversarial.double().sum().item(), 3)]
