"""The top of a symmetric operator's spectrum by Lanczos, stopped by its residual.

It finds the largest *algebraic* eigenvalue: power iteration, as in the code of Yao et al., can find the negative end of
the spectrum on barely trained networks.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from ..computing.inputs import NotFiniteError

Product = Callable[[Tensor], Tensor]
MAX_PRODUCTS: Final = 200
# Numbers that are summed in one go. The library's single-precision sum over M1's four million weights was off by 6e-5,
# over ResNet18's eleven by 2e-4, which moved lambda1 by up to 8e-4; in pieces of this size it is off by 1e-7.
PIECE: Final = 1 << 12
BLOCK: Final = 1 << 20  # numbers of three vectors that a cache holds


@dataclass(frozen=True)
class Eigenvalue:
    """The top eigenvalue, and how well it is known."""

    value: float
    residual: float  #: the norm of H v - value v for the unit Ritz vector v; some eigenvalue lies within it of value
    smallest: float  #: the smallest Ritz value: an upper bound of the smallest eigenvalue
    products: int  #: Hessian-vector products spent


def random_vector(size: int, seed: int) -> Tensor:
    """A direction drawn uniformly, in single precision (a fifth of the time) and of no particular length."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(size, generator=generator, dtype=torch.float32, device="cpu")


def lanczos(product: Product, start: Tensor, tolerance: float, max_products: int) -> Eigenvalue:
    """The top of a symmetric operator's spectrum by Lanczos.

    The residual of the top Ritz pair is |beta_k s_k|, read off the tridiagonal matrix without another product.
    """
    return _search(product, start, tolerance, max_products)[0]


def lanczos_pair(product: Product, start: Tensor, tolerance: float, max_products: int) -> tuple[Eigenvalue, Tensor]:
    """The eigenvalue with its vector, which has unit length and the precision of ``start``."""
    found, basis, weights = _search(product, start, tolerance, max_products)
    return found, basis.combined(weights)


def _search(
    product: Product, start: Tensor, tolerance: float, max_products: int
) -> tuple[Eigenvalue, "_Basis", Tensor]:
    """The eigenvalue, the basis that it was found in and its vector's coordinates there.

    The three-term recurrence keeps the basis orthogonal until a Ritz pair has converged to the root of the precision;
    from then on each new vector is made orthogonal to all. Most searches end before: doing it always found the same to
    1e-7 and took a search on M1 a quarter longer. Source: Parlett and Scott 1979, The Lanczos Algorithm with Selective
    Orthogonalization. ValueError: the operator is not symmetric. NotFiniteError: a product is not finite.
    """
    basis = _Basis()
    basis.append(start, norm(start))
    diagonal: list[float] = []
    off: list[float] = []
    limit, careful = min(max_products, len(start)), False
    while True:
        w = product(basis.last)
        diagonal.append(dot(w, basis.last))
        if off and not careful:
            _check_symmetry(off[-1], dot(w, basis.last_two[1]), max(map(abs, diagonal + off)), w.dtype)
        beta = subtract(w, basis.last_two, [diagonal[-1], *off[-1:]])
        if careful:
            basis.remove_from(w)
            beta = norm(w)
        if not math.isfinite(diagonal[-1] + beta):
            raise NotFiniteError("a product with the Hessian is not finite: look for overflow in the network")
        values, vectors = torch.linalg.eigh(_tridiagonal(diagonal, off))
        scale = values.abs().max().item()
        if not careful and beta * vectors[-1].abs().min().item() <= math.sqrt(torch.finfo(start.dtype).eps) * scale:
            careful = True
            basis.remove_from(w)  # this one already: what is left of it may be rounding for the most part
            beta = norm(w)
        residuals = beta * vectors[-1].abs()
        value, residual = values[-1].item(), residuals[-1].item()
        exhausted = beta <= 1e-6 * scale  # the Krylov space is invariant: all is known
        if residual <= tolerance * abs(value) or exhausted or len(diagonal) >= limit:
            return Eigenvalue(value, residual, values[0].item(), len(diagonal)), basis, vectors[:, -1]
        off.append(beta)
        basis.append(w, beta)


def _check_symmetry(there: float, back: float, scale: float, precision: torch.dtype) -> None:
    """ValueError: the operator is not symmetric: <v, Hw> (``there``) is not <w, Hv> (``back``).

    That happens where a function in a network loses its gradient's graph. The two differed by 2e-7 of the
    operator's scale on right networks and by 1e-3 and more on wrong ones (44 small networks, in single precision;
    PyTorch's own weight norm, in version 2.14, was among the wrong ones). Short ways are lost in rounding.
    """
    allowed = max(1e-4, 10 * torch.finfo(precision).eps) * scale
    if abs(there - back) > allowed and there > 1e-2 * scale:
        raise ValueError(
            "the network's second derivative is not symmetric, so it is none: some function in it differentiates once "
            "only (once_differentiable, a backward pass on detached tensors, PyTorch's weight norm)"
        )


def dot(v: Tensor, w: Tensor) -> float:
    """The inner product of two weight vectors, summed piece by piece; the pieces and the rest in double precision.

    Of the rest, whose length is odd for it, the library's single-precision sum was off by up to 3e-6.
    """
    whole = len(w) // PIECE * PIECE
    pieces = torch.linalg.vecdot(v[:whole].view(-1, PIECE), w[:whole].view(-1, PIECE))
    return float(pieces.sum(dtype=torch.float64) + torch.dot(v[whole:].double(), w[whole:].double()))


def norm(v: Tensor) -> float:
    """The length of a weight vector."""
    return math.sqrt(dot(v, v))


def subtract(w: Tensor, vectors: Sequence[Tensor], multiples: Sequence[float]) -> float:
    """Take these multiples of vectors from ``w``, in place; its length then.

    On a CPU block by block, each with all that is done to it while it is in the cache.
    """
    size, squares = BLOCK if w.device.type == "cpu" else len(w), 0.0
    for part, *others in zip(w.split(size), *(vector.split(size) for vector in vectors), strict=True):
        for other, multiple in zip(others, multiples, strict=True):
            part.add_(other, alpha=-multiple)
        squares += dot(part, part)
    return math.sqrt(squares)


class _Basis:
    """Orthonormal vectors in blocks of rows: none is ever copied, and a block's memory is only used as it fills."""

    ROWS: Final = 16  # most eigenvalues take fewer products

    def __init__(self) -> None:
        self._count = 0
        self._blocks: list[Tensor] = []

    @property
    def last(self) -> Tensor:
        return self._at(self._count - 1)

    @property
    def last_two(self) -> list[Tensor]:
        """The last vector and the one before, if there is one."""
        return [self._at(i) for i in range(self._count - 1, max(self._count - 3, -1), -1)]

    def _at(self, i: int) -> Tensor:
        return self._blocks[i // self.ROWS][i % self.ROWS]

    def append(self, w: Tensor, norm: float) -> None:
        if self._count % self.ROWS == 0:
            self._blocks.append(torch.empty((self.ROWS, len(w)), dtype=w.dtype, device=w.device))
        self._count += 1
        torch.div(w, norm, out=self.last)

    def remove_from(self, w: Tensor) -> None:
        """Subtract from ``w``, in place, its part in the span of the vectors."""
        for i in range(self._count):
            w.add_(self._at(i), alpha=-dot(self._at(i), w))

    def combined(self, weights: Tensor) -> Tensor:
        """The sum of the vectors, weighted."""
        weights = weights.to(self.last)
        blocks = zip(self._blocks, weights.split(self.ROWS), strict=True)
        return torch.stack([block[: len(w)].T @ w for block, w in blocks]).sum(0)


def _tridiagonal(diagonal: list[float], off: list[float]) -> Tensor:
    t = torch.diag(torch.tensor(diagonal, dtype=torch.float64, device="cpu"))
    if off:
        b = torch.tensor(off, dtype=torch.float64, device="cpu")
        t += torch.diag(b, 1) + torch.diag(b, -1)
    return t
