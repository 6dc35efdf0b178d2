"""The top eigenvalue of a network's Hessian, against oracles."""

import copy
from types import ModuleType

import pytest
import torch
from scipy.sparse.linalg import eigsh
from small_networks import Case, made, softmax_regression, with_batch_norm_and_dropout
from torch import Tensor, nn
from torch.autograd.functional import hessian
from torch.func import functional_call
from torch.nn import functional as F

from repro.science.curvature import hessian as module
from repro.science.curvature.hessian import top_eigenvalue
from repro.science.curvature.lanczos import Eigenvalue


def dense(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The whole spectrum in evaluation mode, ascending, by differentiating every entry of the gradient."""
    model = copy.deepcopy(model).eval()
    trained = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    flat = torch.cat([p.flatten() for p in trained.values()])

    def loss(v: Tensor) -> Tensor:
        parts = v.split([p.numel() for p in trained.values()])
        weights = {name: part.view(p.shape) for part, (name, p) in zip(parts, trained.items(), strict=True)}
        return F.cross_entropy(functional_call(model, weights, images), labels)

    return torch.linalg.eigvalsh(hessian(loss, flat))


# --- oracles ---


def test_softmax_regression_has_the_closed_form() -> None:
    """The mean over images of (diag(p) - p p^T) kron x x^T, with a 1 appended to x for the bias."""
    model, images, labels = made(softmax_regression)
    x = torch.cat([images.flatten(1), torch.ones(len(images), 1, dtype=torch.float64)], 1)
    p = model(images).softmax(1).detach()
    blocks = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    whole = torch.einsum("nij,nk,nl->ikjl", blocks, x, x).reshape(40, 40) / len(x)
    expected = torch.linalg.eigvalsh(whole)[-1].item()
    found = top_eigenvalue(model, images, labels, tolerance=1e-10)
    assert found.value == pytest.approx(expected, rel=1e-9)


def test_a_small_network_has_the_ends_of_its_dense_spectrum(case: Case) -> None:
    spectrum = dense(*case)
    found = top_eigenvalue(*case, tolerance=1e-10)
    assert found.value == pytest.approx(spectrum[-1].item(), rel=1e-8)
    # an upper bound, near where the top has been found to ten digits
    assert spectrum[0] - 1e-12 <= found.smallest
    assert found.smallest <= spectrum[0] + 0.1 * spectrum[-1]


# the forward mode that curvlinops differentiates in scripts its decompositions when it is first used
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_a_convolutional_network_agrees_with_curvlinops_and_scipy(blobs: Case, curvlinops: ModuleType) -> None:
    model, images, labels = blobs
    batches = [(images[:40], labels[:40]), (images[40:], labels[40:])]
    operator = curvlinops.HessianLinearOperator(
        model, nn.CrossEntropyLoss(), list(model.parameters()), batches, check_deterministic=False
    )
    expected = eigsh(operator.to_scipy(), k=1, which="LA", return_eigenvectors=False)[0]
    found = top_eigenvalue(model, images, labels, tolerance=1e-4)
    assert found.value == pytest.approx(expected, rel=1e-4)
    assert top_eigenvalue(model, images, labels).value == pytest.approx(expected, rel=1e-3)


class Saddle(nn.Module):
    """Logits (sum a_i w_i^2, 0) at w = 0: with label 0, the Hessian of the loss is diag(-a)."""

    def __init__(self, *curvatures: float) -> None:
        super().__init__()
        self.curvatures = torch.tensor(curvatures, dtype=torch.float64)
        self.w = nn.Parameter(torch.zeros(len(curvatures), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        z = (self.curvatures * self.w.square()).sum()
        return torch.stack([z, torch.zeros_like(z)]).expand(len(x), 2)


def test_the_value_is_the_largest_algebraic_even_where_the_negative_end_is_larger() -> None:
    """Power iteration returns -7 here."""
    model = Saddle(7.0, 3.0, -0.5, -2.0)
    found = top_eigenvalue(model, torch.zeros(5, 1), torch.zeros(5, dtype=torch.long), tolerance=1e-8)
    assert found.value == pytest.approx(2.0)
    assert found.smallest == pytest.approx(-7.0)


def test_a_spectrum_that_is_negative_throughout_has_a_negative_top() -> None:
    images, labels = torch.zeros(3, 1, dtype=torch.float64), torch.zeros(3, dtype=torch.long)
    found = top_eigenvalue(Saddle(4.0, 1.0, 9.0), images, labels, tolerance=1e-8)
    assert found.value == pytest.approx(-1.0)


def test_a_flat_loss_has_the_eigenvalue_zero() -> None:
    model, images, labels = made(lambda: nn.Sequential(nn.Flatten(), nn.Linear(9, 4, bias=False)))
    found = top_eigenvalue(model, torch.zeros_like(images), labels)
    assert found == Eigenvalue(value=0.0, residual=0.0, smallest=0.0, products=1)


# --- the stop, the seed, the chunks ---


def test_a_tighter_tolerance_spends_more_and_knows_more(case: Case) -> None:
    spectrum = dense(*case)
    truth = spectrum[-1].item()
    found = [top_eigenvalue(*case, tolerance=tolerance) for tolerance in (0.3, 1e-2, 1e-5)]
    for one, tolerance in zip(found, (0.3, 1e-2, 1e-5), strict=True):
        assert one.residual <= tolerance * one.value
        assert (one.value - spectrum).abs().min().item() <= one.residual + 1e-12  # which one, only the last must know
    assert found[0].products < found[1].products < found[2].products
    assert found[0].residual > found[1].residual > found[2].residual
    assert abs(found[2].value - truth) < abs(found[0].value - truth)


def test_the_products_reported_are_those_made(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    product, calls = module.Hessian.__call__, []
    monkeypatch.setattr(module.Hessian, "__call__", lambda self, v: calls.append(v) or product(self, v))
    assert top_eigenvalue(*case).products == len(calls) > 1
    calls.clear()
    assert top_eigenvalue(*case, tolerance=0, max_products=3).products == len(calls) == 3


@pytest.mark.parametrize("chunk", [1, 4, 22, 23])
def test_the_chunks_do_not_change_the_value(case: Case, chunk: int) -> None:
    """23 images: 4 and 22 leave a last chunk of 3 and of 1."""
    whole = top_eigenvalue(*case, tolerance=1e-8, chunk=1000)
    parts = top_eigenvalue(*case, tolerance=1e-8, chunk=chunk)
    assert parts.value == pytest.approx(whole.value, rel=1e-9)
    assert parts.products == whole.products


def test_two_calls_agree_to_the_last_bit_and_another_seed_starts_elsewhere(case: Case) -> None:
    torch.manual_seed(1)
    first = top_eigenvalue(*case)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert top_eigenvalue(*case) == first
    assert torch.equal(torch.get_rng_state(), state)
    other = top_eigenvalue(*case, seed=1)
    assert other != first
    assert other.value == pytest.approx(first.value, rel=1e-3)


def test_single_precision_is_near_double() -> None:
    exact = top_eigenvalue(*made(with_batch_norm_and_dropout), tolerance=1e-8).value
    single = made(with_batch_norm_and_dropout)
    found = top_eigenvalue(single[0].float(), single[1].float(), single[2], tolerance=1e-4)
    assert found.value == pytest.approx(exact, rel=1e-4)
