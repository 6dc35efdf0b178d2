"""Lanczos on matrices whose spectrum is known."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.science.curvature.lanczos import PIECE, dot, lanczos, lanczos_pair, norm


@settings(max_examples=50)
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
    spectrum = torch.cat([torch.linspace(-1, 1, 300, dtype=torch.float64), torch.tensor([50.0, 50.001, 100.0])])
    found = lanczos(lambda v: spectrum * v, torch.ones(303, dtype=torch.float64), 1e-9, 200)
    assert found.value == pytest.approx(100.0, rel=1e-9)
    assert found.smallest >= -1.0 - 1e-9


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_has_converged_does_not_come_back(dtype: torch.dtype) -> None:
    """Without orthogonality, copies of the lower end would take products away from the top."""
    spectrum = torch.cat([torch.linspace(-1, 1, 300, dtype=dtype), torch.tensor([-50.0, -100.0], dtype=dtype)])
    found = lanczos(lambda v: spectrum * v, torch.ones(302, dtype=dtype), 0.0, 40)
    assert found.smallest == pytest.approx(-100, rel=1e-6)
    assert 0.9997 <= found.value <= 1.00001


@settings(max_examples=100)
@given(
    # squares of what is smaller underflow in single precision
    spectrum=st.lists(st.floats(-10, 10).map(lambda x: x if abs(x) > 1e-6 else 0.0), min_size=2, max_size=30),
    seed=st.integers(0, 2**31),
    near=st.sampled_from([1.0, 1e-2, 1e-4]),
)
def test_rounding_is_not_taken_for_asymmetry(spectrum: list[float], seed: int, near: float) -> None:
    """In single precision, to the end of what can be known, from starts near an eigenvector too."""
    generator = torch.Generator().manual_seed(seed)
    n = len(spectrum)
    turn = torch.linalg.qr(torch.randn(n, n, generator=generator)).Q
    matrix = turn @ torch.diag(torch.tensor(spectrum)) @ turn.T
    start = turn[:, 0] + near * torch.randn(n, generator=generator)
    found = lanczos(((matrix + matrix.T) / 2).mv, start, 0.0, 60)
    size = max(map(abs, spectrum))
    assert min(spectrum) - 1e-4 * size <= found.value <= max(spectrum) + 1e-4 * size + 1e-30


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("share", [0.01, 0.1, 1.0])
def test_an_operator_that_is_not_symmetric_is_refused(share: float, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(20, 20, generator=generator, dtype=torch.float64)
    matrix = (matrix + matrix.T + share * (matrix - matrix.T)).to(dtype)
    with pytest.raises(ValueError, match="not symmetric"):
        lanczos(matrix.mv, torch.randn(20, generator=generator, dtype=torch.float64).to(dtype), 1e-2, 100)


def test_the_number_of_products_is_bounded_and_the_residual_says_what_that_cost() -> None:
    spectrum = torch.linspace(0, 1, 500, dtype=torch.float64)
    found = lanczos(lambda v: spectrum * v, torch.ones(500, dtype=torch.float64), 1e-12, 7)
    assert found.products == 7
    assert found.residual > 1e-12
    assert 1 - found.value <= found.residual


def test_the_vector_is_whole_when_the_basis_fills_more_than_a_block() -> None:
    spectrum = torch.linspace(0, 1, 500, dtype=torch.float64)
    found, vector = lanczos_pair(lambda v: spectrum * v, torch.ones(500, dtype=torch.float64), 0.0, 40)
    assert found.products == 40
    assert vector.norm().item() == pytest.approx(1)
    assert (spectrum * vector - found.value * vector).norm().item() == pytest.approx(found.residual, rel=1e-9)


def test_millions_of_weights_in_single_precision_lose_no_digits() -> None:
    """Which a sum over all of them in one go would: by 1e-4."""
    spectrum = torch.linspace(-1, 1, 4_200_000)
    spectrum[1234] = 3.0
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(len(spectrum), generator=generator)
    start[1234] = 500.0
    found = lanczos(lambda v: spectrum * v, start, 1e-3, 50)
    assert found.value == pytest.approx(3.0, rel=3e-6)


def test_small_terms_are_not_lost_beside_large_ones() -> None:
    """A sum in single precision that has come to 2**30, in one of 64 places, does not change when ones are added."""
    v = torch.ones(PIECE + 2**18)
    v[:PIECE] = 2**12
    exact = PIECE * 2**24 + 2**18
    assert dot(v, v) == pytest.approx(exact, rel=1e-8)


@given(st.integers(1, 200_000), st.integers(0, 5))
@settings(max_examples=20)
def test_inner_products_are_those_of_double_precision(count: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    v, w = torch.rand(2, count, generator=generator) + 0.1
    assert dot(v, w) == pytest.approx(torch.dot(v.double(), w.double()).item(), rel=1e-6)
    assert norm(v) == pytest.approx(v.double().norm().item(), rel=1e-6)
