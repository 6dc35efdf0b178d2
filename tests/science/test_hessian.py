import copy
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import eigsh
from torch import Tensor, nn
from torch.autograd.functional import hessian
from torch.func import functional_call
from torch.nn import functional as F

from repro.science import hessian as module
from repro.science.hessian import Eigenvalue, lanczos, top_eigenvalue

Case = tuple[nn.Module, Tensor, Tensor]


def softmax_regression() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(9, 4))


def with_batch_norm_and_dropout() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Tanh()),
        *(nn.Flatten(), nn.Linear(12, 4), nn.Dropout(0.5), nn.Tanh(), nn.Linear(4, 4)),
    )


def partly_frozen() -> nn.Module:
    model = with_batch_norm_and_dropout()
    model[4].requires_grad_(False)
    return model


CASES = (softmax_regression, with_batch_norm_and_dropout, partly_frozen)


def made(network: Callable[[], nn.Module], count: int = 23, dtype: torch.dtype = torch.float64) -> Case:
    """A network in training mode with running statistics of its own, and images with labels it does not know."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = network().to(dtype).train()
        model(torch.rand(50, 1, 3, 3, dtype=dtype))
        return model, torch.rand(count, 1, 3, 3, dtype=dtype), torch.arange(count) % 4


@pytest.fixture(params=CASES, ids=lambda network: network.__name__)
def case(request: pytest.FixtureRequest) -> Case:
    return made(request.param)


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
    found = top_eigenvalue(Saddle(4.0, 1.0, 9.0), torch.zeros(3, 1), torch.zeros(3, dtype=torch.long), tolerance=1e-8)
    assert found.value == pytest.approx(-1.0)


def test_a_flat_loss_has_the_eigenvalue_zero() -> None:
    model, images, labels = made(lambda: nn.Sequential(nn.Flatten(), nn.Linear(9, 4, bias=False)))
    found = top_eigenvalue(model, torch.zeros_like(images), labels)
    assert found == Eigenvalue(value=0.0, residual=0.0, smallest=0.0, products=1)


# --- Lanczos on matrices ---


@settings(max_examples=50, deadline=None)
@given(
    # squares of what is smaller underflow, and with them every norm
    spectrum=st.lists(st.floats(-10, 10).map(lambda x: x if abs(x) > 1e-100 else 0.0), min_size=1, max_size=12),
    seed=st.integers(0, 2**31),
    tolerance=st.sampled_from([1e-6, 1e-2, 0.3]),
)
def test_some_eigenvalue_lies_within_the_residual_of_the_value(
    spectrum: list[float], seed: int, tolerance: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    n = len(spectrum)
    turn = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q
    matrix = turn @ torch.diag(torch.tensor(spectrum, dtype=torch.float64)) @ turn.T
    found = lanczos(matrix.mv, torch.randn(n, generator=generator, dtype=torch.float64), tolerance, 100)
    size = max(map(abs, spectrum))
    assert min(abs(found.value - value) for value in spectrum) <= found.residual + 1e-9 * size
    assert min(spectrum) - 1e-9 * size <= found.smallest <= found.value <= max(spectrum) + 1e-9 * size
    assert found.residual <= tolerance * abs(found.value) or found.products == n or found.residual <= 2e-6 * size


def test_a_clustered_top_is_found() -> None:
    """Without reorthogonalisation, copies of converged values would fill the space of Ritz vectors."""
    spectrum = torch.cat([torch.linspace(-1, 1, 300, dtype=torch.float64), torch.tensor([50.0, 50.001, 100.0])])
    found = lanczos(lambda v: spectrum * v, torch.ones(303, dtype=torch.float64), 1e-9, 200)
    assert found.value == pytest.approx(100.0, rel=1e-9)
    assert found.smallest >= -1.0 - 1e-9


def test_the_number_of_products_is_bounded_and_the_residual_says_what_that_cost() -> None:
    spectrum = torch.linspace(0, 1, 500, dtype=torch.float64)
    found = lanczos(lambda v: spectrum * v, torch.ones(500, dtype=torch.float64), 1e-12, 7)
    assert found.products == 7
    assert found.residual > 1e-12
    assert 1 - found.value <= found.residual


# --- the stop, the seed, the chunks ---


def test_a_tighter_tolerance_spends_more_and_knows_more(case: Case) -> None:
    truth = dense(*case)[-1].item()
    found = [top_eigenvalue(*case, tolerance=tolerance) for tolerance in (0.3, 1e-2, 1e-5)]
    for one, tolerance in zip(found, (0.3, 1e-2, 1e-5), strict=True):
        assert one.residual <= tolerance * one.value
        assert abs(one.value - truth) <= one.residual + 1e-12
    assert found[0].products < found[1].products < found[2].products
    assert found[0].residual > found[1].residual > found[2].residual
    assert abs(found[2].value - truth) < abs(found[0].value - truth)


def test_the_products_reported_are_those_made(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    made_of, calls = module.hessian_operator, []

    def counting(*args: object) -> tuple[module.Product, int]:
        product, size = made_of(*args)
        return lambda v: calls.append(v) or product(v), size

    monkeypatch.setattr(module, "hessian_operator", counting)
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


# --- what is left alone, what is refused ---


def test_millions_of_weights_in_single_precision_lose_no_digits() -> None:
    """Which a sum over all of them in one go would: by 1e-4."""
    spectrum = torch.linspace(-1, 1, 4_200_000)
    spectrum[1234] = 3.0
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(len(spectrum), generator=generator)
    start[1234] = 500.0
    found = lanczos(lambda v: spectrum * v, start, 1e-3, 50)
    assert found.value == pytest.approx(3.0, rel=3e-6)


@given(st.integers(1, 200_000), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_inner_products_are_those_of_double_precision(count: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    v, w = torch.rand(2, count, generator=generator) + 0.1
    assert module.dot(v, w) == pytest.approx(torch.dot(v.double(), w.double()).item(), rel=2e-6)
    assert module.norm(v) == pytest.approx(v.double().norm().item(), rel=1e-6)
    assert module._inner_at_once(v[None], w).item() == pytest.approx(module.dot(v, w), rel=2e-6)  # as a GPU sums


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
    with pytest.raises(ValueError, match="images is empty: the loss needs at least one image"):
        top_eigenvalue(model, images[:0], labels[:0])
    with pytest.raises(ValueError, match="no parameter of the model requires gradients"):
        top_eigenvalue(model.requires_grad_(False), images, labels)


# --- the vector, and parameters that do nothing ---


def test_the_ritz_vector_has_the_value_and_the_residual(case: Case) -> None:
    hessian, size = module.hessian_operator(*case, 512)
    start = module.random_vector(size, 0).to(case[1])
    found, vector = module.lanczos_pair(hessian, start, 1e-3, module.MAX_PRODUCTS)
    assert found == top_eigenvalue(*case, tolerance=1e-3)
    assert vector.shape == (size,)
    assert vector.norm().item() == pytest.approx(1)
    rest = hessian(vector) - found.value * vector
    assert rest.norm().item() == pytest.approx(found.residual, rel=1e-6, abs=1e-12)


def test_the_vector_is_whole_when_the_basis_fills_more_than_a_block() -> None:
    spectrum = torch.linspace(0, 1, 500, dtype=torch.float64)
    found, vector = module.lanczos_pair(lambda v: spectrum * v, torch.ones(500, dtype=torch.float64), 0.0, 40)
    assert found.products == 40
    assert vector.norm().item() == pytest.approx(1)
    assert (spectrum * vector - found.value * vector).norm().item() == pytest.approx(found.residual, rel=1e-9)


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
    hessian, size = module.hessian_operator(model, images, labels, chunk)
    with_idle, larger = module.hessian_operator(Idle(model), images, labels, chunk)
    assert larger == size + 9
    v = torch.randn(larger, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = torch.cat([torch.zeros(3), hessian(v[3:-6]), torch.zeros(6)])
    torch.testing.assert_close(with_idle(v), expected)
    found = top_eigenvalue(Idle(model), images, labels, tolerance=1e-8)
    assert found.value == pytest.approx(top_eigenvalue(model, images, labels, tolerance=1e-8).value)


class Deaf(nn.Module):
    """Its output uses none of its parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :4]


def test_a_network_whose_output_uses_no_parameter_has_the_eigenvalue_zero() -> None:
    found = top_eigenvalue(Deaf(), torch.rand(3, 1, 3, 3), torch.arange(3))
    assert found == Eigenvalue(value=0.0, residual=0.0, smallest=0.0, products=1)
