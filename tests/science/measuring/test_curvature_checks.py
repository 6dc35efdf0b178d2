import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from repro.science.curvature.hessian import Hessian, top_eigenvalue
from repro.science.curvature.lanczos import MAX_PRODUCTS, Eigenvalue, lanczos_pair
from repro.science.measuring import instruments as module
from repro.science.measuring.instruments import check_curvature, curvature_of_each, elsewhere, second_start
from repro.verdicts.instrument_checks import failed

Case = tuple[nn.Module, Tensor, Tensor]


def names(numbers: dict[str, float]) -> set[str]:
    return set(failed(numbers))


def spectrum_of(top: float, count: int = 400) -> Tensor:
    return torch.cat([torch.linspace(-1, 1, count - 2, dtype=torch.float64), torch.tensor([5.0, top])])


def start(count: int = 400, seed: int = 0) -> Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def curvature_numbers(found: float, smallest: float, second: float) -> dict[str, float]:
    return {"lambda1": found, "lambda1_smallest": smallest, "lambda1_elsewhere": second}


def test_an_eigenvalue_from_a_start_without_the_top_is_caught_by_the_second_start() -> None:
    spectrum = spectrum_of(20.0)
    blind = start()
    blind[-1] = 0
    found, vector = lanczos_pair(lambda v: spectrum * v, blind, 1e-2, 100)
    assert found.value == pytest.approx(5.0, rel=1e-3)
    assert found.residual <= 1e-2 * found.value  # which says nothing of it
    second = elsewhere(lambda v: spectrum * v, vector, start(seed=1), 4)
    assert names(curvature_numbers(found.value, found.smallest, second)) == {"lambda1-is-the-top"}
    right, vector = lanczos_pair(lambda v: spectrum * v, start(), 1e-2, 100)
    second = elsewhere(lambda v: spectrum * v, vector, start(seed=1), 4)
    assert names(curvature_numbers(right.value, right.smallest, second)) == set()


def test_a_networks_own_second_start_reveals_a_top_that_was_withheld(digits: Case) -> None:
    """In the two products that it has: it begins higher than a uniform start does."""
    model, images, labels = digits
    hessian = Hessian(model, images, labels, 512)
    size = hessian.size
    vectors: list[Tensor] = []

    def without(w: Tensor) -> Tensor:
        return w - sum((v * torch.dot(v, w) for v in vectors), torch.zeros_like(w))

    found = []
    for seed in range(10):
        begin = without(torch.randn(size, generator=torch.Generator().manual_seed(seed)))
        value, vector = lanczos_pair(lambda v: without(hessian(v)), begin, 1e-3, 100)
        found.append((value, vector))
        vectors.append(vector)
    top = found[0][0].value
    withheld, vector = next(pair for pair in found if pair[0].value < 0.3 * top)
    begin = second_start(model, images, labels)
    second = elsewhere(hessian, vector, begin)
    assert second <= top * (1 + 1e-4)
    assert names(curvature_numbers(withheld.value, withheld.smallest, second)) == {"lambda1-is-the-top"}
    uniform = torch.randn(size, generator=torch.Generator().manual_seed(9))
    assert elsewhere(hessian, vector, uniform, 1) < 0.1 * elsewhere(hessian, vector, begin, 1)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12), st.integers(0, 2**32), st.integers(1, 5))
def test_a_second_start_never_claims_more_than_there_is(spectrum: list[float], seed: int, products: int) -> None:
    values = torch.tensor(spectrum, dtype=torch.float64)
    vector = F.normalize(start(len(spectrum), seed), dim=0)
    found = elsewhere(lambda v: values * v, vector, start(len(spectrum), seed + 1), products)
    assert min(spectrum) - 1e-8 <= found <= max(spectrum) + 1e-8


def test_a_start_along_the_vector_leaves_the_vectors_own_value() -> None:
    vector = torch.tensor([0.6, 0.8], dtype=torch.float64)
    spectrum = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert elsewhere(lambda v: spectrum * v, vector, 3 * vector) == pytest.approx(0.36 + 1.28)


def small(dtype: torch.dtype = torch.float64) -> Case:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(
            *(nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Tanh(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 4)),
        )
        return model.to(dtype), torch.rand(12, 1, 3, 3, dtype=dtype), torch.arange(12) % 4


def test_the_curvature_of_each_image_is_that_of_its_dense_hessian() -> None:
    model, images, labels = small()
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    vector = F.normalize(start(len(weights)), dim=0)
    found = curvature_of_each(model, images, labels, vector)
    frozen = copy.deepcopy(model).eval()
    named = {name: p.detach() for name, p in frozen.named_parameters()}

    def loss(v: Tensor, i: int) -> Tensor:
        parts = v.split([p.numel() for p in named.values()])
        shaped = {name: part.view(p.shape) for part, (name, p) in zip(parts, named.items(), strict=True)}
        return F.cross_entropy(functional_call(frozen, shaped, images[i : i + 1]), labels[i : i + 1])

    for i, value in enumerate(found):
        dense = torch.autograd.functional.hessian(lambda v, i=i: loss(v, i), weights)
        assert value.item() == pytest.approx((vector @ dense @ vector).item(), rel=1e-9, abs=1e-12)
    whole = Hessian(model, images, labels, 512)(vector)
    assert found.mean().item() == pytest.approx(torch.dot(vector, whole).item(), rel=1e-9)


def eigenpair(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Eigenvalue, Tensor]:
    hessian = Hessian(model, images, labels, 512)
    return lanczos_pair(hessian, hessian.start(0), 1e-2, MAX_PRODUCTS)


def test_curvature_is_checked_on_the_eigenvalue_that_is_measured(blobs: Case) -> None:
    top, vector = eigenpair(*blobs)
    found = check_curvature(*blobs)
    expected = (top.value, top.residual, top.smallest, top.products)
    assert tuple(found[f"lambda1{n}"] for n in ("", "_residual", "_smallest", "_products")) == expected
    assert top == top_eigenvalue(*blobs)
    each = curvature_of_each(*blobs, vector)
    assert each.mean().item() == pytest.approx(top.value, rel=1e-4)
    assert found["lambda1_error"] == pytest.approx(each.std().item() / 8)


def test_the_error_is_that_of_choosing_the_images(blobs: Case) -> None:
    """Over images drawn anew from these, v^T H v varies by it."""
    model, images, labels = blobs
    each = curvature_of_each(model, images, labels, eigenpair(*blobs)[1])
    generator = torch.Generator().manual_seed(0)
    means = torch.stack([each[torch.randint(64, (64,), generator=generator)].mean() for _ in range(2000)])
    assert check_curvature(*blobs)["lambda1_error"] == pytest.approx(means.std().item(), rel=0.1)


@pytest.mark.parametrize("held", [1, 7, 64])
def test_how_many_images_are_held_at_a_time_changes_no_error(
    blobs: Case, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    whole = check_curvature(*blobs)["lambda1_error"]
    monkeypatch.setattr(module, "CURVED_IMAGES", held)
    assert check_curvature(*blobs)["lambda1_error"] == pytest.approx(whole, rel=1e-4)


def test_an_eigenvalue_that_was_not_waited_for_is_caught_by_its_residual(digits: Case) -> None:
    with pytest.warns(RuntimeWarning, match="still .* after 2 products, where 0.01 of the value"):
        top = top_eigenvalue(*digits, max_products=2)
    numbers = {"lambda1": top.value, "lambda1_residual": top.residual, "lambda1_smallest": top.smallest}
    assert names(numbers) == {"lambda1-converged"}


class OneImages(nn.Module):
    """Only bright images reach the weights' curvature: a loss of w^2 for them, and none for the others."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        z = x.flatten(1).mean(1, keepdim=True) * self.w.square().sum()
        return torch.cat([torch.zeros_like(z), z], 1)


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("count", [8, 16, 64, 65, 128, 256, 512, 1024])
def test_an_eigenvalue_of_a_single_image_is_caught_however_many_there_are(count: int, place: str) -> None:
    images, labels = torch.zeros(count, 1, 2, 2), torch.zeros(count, dtype=torch.long)
    one = 0 if place == "first" else -1
    images[one] = 1.0
    assert names(check_curvature(OneImages(), images, labels)) == {"lambda1-not-of-one-image"}
    images[:5] = images[-5:] = 1.0
    assert names(check_curvature(OneImages(), images, labels)) == set()


@pytest.mark.parametrize("count", [16, 64, 1024])
def test_one_image_with_most_of_the_curvature_is_caught_and_one_with_a_quarter_is_not(count: int) -> None:
    images, labels = torch.full((count, 1, 2, 2), 1.0), torch.zeros(count, dtype=torch.long)
    for share, expected in ((0.8, {"lambda1-not-of-one-image"}), (0.25, set())):
        images[0] = share / (1 - share) * (count - 1)
        assert names(check_curvature(OneImages(), images, labels)) == expected


def test_a_network_without_curvature_and_one_of_a_single_image_have_numbers_all_the_same() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(9, 4, bias=False))
    found = check_curvature(flat, torch.zeros(5, 1, 3, 3), torch.arange(5) % 4)
    assert {value for name, value in found.items() if name != "lambda1_products"} == {0.0}
    assert failed(found) == {}
    model, images, labels = small()
    alone = check_curvature(model, images[:1], labels[:1])
    assert all(math.isfinite(value) for value in alone.values())
    assert names(alone) == {"lambda1-not-of-one-image"}


def test_the_second_start_has_the_gauss_newton_matrix_as_covariance(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images, labels = small()
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 4, bias=False)).double()  # its Hessian is its Gauss-Newton matrix
    hessian = Hessian(model, images, labels, 512)
    dense = torch.stack([hessian(row) for row in torch.eye(hessian.size, dtype=torch.float64)]) * len(images)
    draws = []
    for seed in range(4000):
        monkeypatch.setattr(module, "stream", lambda *_, seed=seed: seed)
        draws.append(second_start(model, images, labels))
    covariance = torch.stack(draws).T.cov()
    assert (covariance - dense).norm() < 0.1 * dense.norm()
