"""The Hessian of a network as an operator: parameters that do nothing, what is left alone, what is refused."""

import copy
import math

import pytest
import torch
from small_networks import Case
from torch import Tensor, nn

from repro.science.curvature.hessian import Hessian, top_eigenvalue
from repro.science.curvature.lanczos import MAX_PRODUCTS, lanczos, lanczos_pair, random_vector


def test_the_ritz_vector_has_the_value_and_the_residual(case: Case) -> None:
    hessian = Hessian(*case, 512)
    found, vector = lanczos_pair(hessian, hessian.start(0), 1e-3, MAX_PRODUCTS)
    assert found == top_eigenvalue(*case, tolerance=1e-3)
    assert vector.shape == (hessian.size,)
    assert vector.norm().item() == pytest.approx(1)
    rest = hessian(vector) - found.value * vector
    assert rest.norm().item() == pytest.approx(found.residual, rel=1e-6, abs=1e-12)


class Idle(nn.Module):
    """A network with parameters before and after those that its output uses."""

    def __init__(self, used: nn.Module) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.ones(3, dtype=torch.float64))
        self.used = used
        self.last = nn.Linear(2, 2, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x)


@pytest.mark.parametrize("chunk", [512, 5])
def test_a_parameter_that_the_output_does_not_use_adds_zeros(case: Case, chunk: int) -> None:
    model, images, labels = case
    hessian, with_idle = (Hessian(network, images, labels, chunk) for network in (model, Idle(model)))
    assert with_idle.size == hessian.size + 9
    v = torch.randn(with_idle.size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = torch.cat([torch.zeros(3), hessian(v[3:-6]), torch.zeros(6)])
    torch.testing.assert_close(with_idle(v), expected)
    found = top_eigenvalue(Idle(model), images, labels, tolerance=1e-8)
    assert found.value == pytest.approx(top_eigenvalue(model, images, labels, tolerance=1e-8).value)


def test_a_search_begins_along_the_gradient_but_leaves_no_direction_out(case: Case) -> None:
    hessian = Hessian(*case, 512)
    gradient = hessian.gradient()
    begins = [hessian.start(seed) for seed in range(50)]
    for begin in begins:
        along = torch.dot(begin, gradient) / (begin.norm() * gradient.norm())
        assert along.item() > 0.98
    rest = torch.stack([begin / torch.dot(begin, gradient) for begin in begins])  # what is beside it varies everywhere
    assert (rest.std(0) > 0).all()
    assert torch.equal(begins[0], hessian.start(0))


@pytest.mark.parametrize("factor", [0.0, math.inf, math.nan])
def test_without_a_gradient_a_search_begins_at_random(
    case: Case, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    hessian = Hessian(*case, 512)
    monkeypatch.setattr(hessian, "gradient", lambda: factor * torch.ones(hessian.size, dtype=torch.float64))
    assert torch.equal(hessian.start(3), random_vector(hessian.size, 3).double())


def test_along_the_gradient_a_search_begins_nearer_to_the_top_of_a_network_that_has_learnt(
    learnt: tuple[nn.Module, Tensor, Tensor],
) -> None:
    """Which saves products on most networks, but not on each: how many hangs on how training was rounded.

    A uniform start has a share of about 1 / sqrt(size) in any direction; those along the gradient had 6 to 105 times
    that in the top one of StdCNN (six seeds, three kinds of rounding), and 13 times in that of the other network here.
    """
    hessian = Hessian(*learnt, 512)
    found, top = lanczos_pair(hessian, hessian.start(0), 1e-4, MAX_PRODUCTS)
    begins = [hessian.start(seed) for seed in range(5)]
    shares = [abs(torch.dot(begin, top) / begin.norm()).item() for begin in begins]
    assert min(shares) > 3 / math.sqrt(hessian.size)
    uniform = lanczos(hessian, random_vector(hessian.size, 0), 1e-4, MAX_PRODUCTS)
    assert found.value == pytest.approx(uniform.value, rel=1e-3)


class Deaf(nn.Module):
    """Its output uses none of its parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :4]


def test_a_network_whose_output_uses_no_parameter_has_no_eigenvalue() -> None:
    """Zero would look like a flat minimum; a detached output looks the same."""
    with pytest.raises(ValueError, match="the network's output is detached from its parameters"):
        top_eigenvalue(Deaf(), torch.rand(3, 1, 3, 3), torch.arange(3))


def test_the_network_is_left_as_it_was(case: Case) -> None:
    model, images, labels = case
    for name, p in model.named_parameters():
        p.grad = None if name.endswith("bias") else torch.full_like(p, 7.0)
    before = copy.deepcopy(model)
    top_eigenvalue(model, images, labels, chunk=4)
    torch.testing.assert_close(model.state_dict(), before.state_dict(), rtol=0, atol=0)
    assert all(part.training for part in model.modules())
    for p, q in zip(model.parameters(), before.parameters(), strict=True):
        assert p.requires_grad == q.requires_grad
        assert p.stride() == q.stride()
    for name, p in model.named_parameters():
        assert p.grad is None if name.endswith("bias") else torch.equal(p.grad, torch.full_like(p, 7.0))


def test_no_images_and_nothing_to_differentiate_are_refused(case: Case) -> None:
    model, images, labels = case
    with pytest.raises(ValueError, match="images is empty: must be a tensor"):
        top_eigenvalue(model, images[:0], labels[:0])
    with pytest.raises(ValueError, match="no parameter of the model requires gradients"):
        top_eigenvalue(model.requires_grad_(False), images, labels)
