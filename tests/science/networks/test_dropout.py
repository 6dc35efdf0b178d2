"""Dropout from a run's own generator: on a CPU the masks of ``nn.Dropout`` to the last bit."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from repro.science.networks.dropout import Dropout, draw_from, foreign_randomness
from repro.science.networks.models import StdCNN


def dropped(dropout: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """What is left, and the gradient of a sum with weights of its own."""
    x = x.clone().requires_grad_()
    y = dropout(x)
    (gradient,) = torch.autograd.grad((y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum(), x)
    return y.detach(), gradient


@given(
    seed=st.integers(0, 2**63 - 1),
    p=st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]),
    shape=st.sampled_from([(1, 1), (6, 50), (64, 50), (512, 50), (3, 4, 5, 5)]),
)
def test_masks_and_gradients_are_those_of_torch_with_the_same_seed(seed: int, p: float, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    ours = Dropout(p)
    draw_from(torch.Generator().manual_seed(seed), ours)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        theirs = [dropped(nn.Dropout(p), x) for _ in range(2)]
    found = [dropped(ours, x) for _ in range(2)]  # one after the other from the same stream
    for (y, gradient), (expected, its_gradient) in zip(found, theirs, strict=True):
        assert torch.equal(y, expected)
        assert torch.equal(gradient, its_gradient)


def test_the_global_state_is_neither_read_nor_moved_where_there_is_a_generator() -> None:
    dropout, x = Dropout(0.5), torch.ones(40, 50)
    found = []
    for seed in (1, 2):
        draw_from(torch.Generator().manual_seed(0), dropout)
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        found.append(dropout(x))
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(*found)
    assert 0.4 < (found[0] != 0).float().mean() < 0.6


def test_without_a_generator_it_is_torch_s_own_and_in_evaluation_it_does_nothing() -> None:
    dropout, x = Dropout(0.5), torch.ones(40, 50)
    draw_from(torch.Generator(), dropout)
    draw_from(None, dropout)
    torch.manual_seed(3)
    found = dropout(x)
    torch.manual_seed(3)
    assert torch.equal(found, F.dropout(x, 0.5))
    draw_from(torch.Generator(), dropout)
    assert torch.equal(dropout.eval()(x), x)


def test_a_network_s_dropout_is_handed_its_generator_and_copies_with_it() -> None:
    model, generator = StdCNN(), torch.Generator().manual_seed(4)
    draw_from(generator, model)
    (dropout,) = (part for part in model if isinstance(part, Dropout))
    assert dropout.generator is generator
    assert copy.deepcopy(model).state_dict().keys() == StdCNN().state_dict().keys()


@pytest.mark.parametrize(
    ("part", "named"), [(nn.Dropout(), ["Dropout"]), (nn.Dropout2d(), ["Dropout2d"]), (nn.RReLU(), ["RReLU"])]
)
def test_modules_that_no_generator_can_be_handed_to_are_named(part: nn.Module, named: list[str]) -> None:
    assert foreign_randomness(nn.Sequential(nn.Linear(2, 2), nn.Sequential(part))) == named
    assert foreign_randomness(StdCNN()) == []
