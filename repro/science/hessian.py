"""The top eigenvalue of the Hessian of the mean cross-entropy in the weights.

Lanczos with full reorthogonalisation, stopped by its residual. It returns the largest *algebraic* eigenvalue: power
iteration, as in the code of Yao et al., can return the negative end of the spectrum on barely trained networks.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Product = Callable[[Tensor], Tensor]
MAX_PRODUCTS: Final = 200
# Numbers that are summed in one go. The library's single-precision sum over M1's four million weights was off by 6e-5,
# over ResNet18's eleven by 2e-4, which moved lambda1 by up to 8e-4; in pieces of this size it is off by 1e-7.
PIECE: Final = 1 << 12


@dataclass(frozen=True)
class Eigenvalue:
    """The top eigenvalue, and how well it is known."""

    value: float
    residual: float  # the norm of H v - value v for the unit Ritz vector v; some eigenvalue lies within it of value
    smallest: float  # the smallest Ritz value: an upper bound of the smallest eigenvalue
    products: int  # Hessian-vector products spent


def top_eigenvalue(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    tolerance: float = 1e-2,
    chunk: int = 512,
    seed: int = 0,
    max_products: int = MAX_PRODUCTS,
) -> Eigenvalue:
    """The largest eigenvalue of the Hessian over all parameters that require gradients, on pixels and labels.

    Taken in evaluation mode on a copy, so the model's parameters, buffers, gradients and mode stay as they are. Memory
    is bounded by ``chunk`` images' graph and one weight-sized vector a product; chunks are weighted by their size.
    Stops when the residual is at most ``tolerance`` times the value. Source: Golub and Van Loan, Matrix Computations,
    chapter 10. ValueError: no images, or nothing requires gradients.
    """
    if len(images) == 0:
        raise ValueError("images is empty: the loss needs at least one image")
    hessian, size = hessian_operator(model, images, labels, chunk)
    start = random_vector(size, seed).to(images)
    return lanczos(hessian, start, tolerance, max_products)


def random_vector(size: int, seed: int) -> Tensor:
    """A direction drawn uniformly, in double precision and of no particular length."""
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def hessian_operator(model: nn.Module, images: Tensor, labels: Tensor, chunk: int) -> tuple[Product, int]:
    """v -> H v for flat weight vectors, and their length.

    One chunk's graph is built once and kept for all products; more chunks are rebuilt at each product, which bounds
    memory. channels_last made products 1.2 to 1.6 times as fast (M1 and StdCNN, 128 and 512 images, one core).
    """
    frozen, parameters, images = frozen_copy(model, images)
    chunks = list(zip(images.split(chunk), labels.split(chunk), strict=True))

    def gradient(x: Tensor, y: Tensor) -> list[tuple[int, Tensor]]:
        return gradient_parts(F.cross_entropy(frozen(x), y, reduction="sum") / len(images), parameters)

    kept = gradient(*chunks[0]) if len(chunks) == 1 else None

    def product(v: Tensor) -> Tensor:
        directions = unflatten(v, parameters)
        total = torch.zeros_like(v)
        for x, y in chunks:
            grads = gradient(x, y) if kept is None else kept
            hv = _derivative(grads, directions, parameters, kept is not None)
            for part, h in zip(unflatten(total, parameters), hv, strict=True):
                part += h
        return total

    return product, sum(p.numel() for p in parameters)


def frozen_copy(model: nn.Module, images: Tensor) -> tuple[nn.Module, list[nn.Parameter], Tensor]:
    """A copy in evaluation mode, its parameters that require gradients, and the images; both channels_last.

    ValueError: no parameter requires gradients.
    """
    frozen = copy.deepcopy(model).eval()
    if images.dim() == 4:
        frozen = frozen.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    parameters = [p for p in frozen.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("no parameter of the model requires gradients, so there is no Hessian")
    return frozen, parameters, images


def gradient_parts(loss: Tensor, parameters: list[nn.Parameter]) -> list[tuple[int, Tensor]]:
    """The gradient's parts that change with the weights, each with its parameter's place.

    A parameter that the network's output does not use has none, and adds a row of zeros to the Hessian.
    """
    if not loss.requires_grad:
        return []
    grads = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
    return [(i, g) for i, g in enumerate(grads) if g is not None and g.requires_grad]


def _derivative(
    grads: list[tuple[int, Tensor]], directions: list[Tensor], parameters: list[nn.Parameter], retain: bool
) -> tuple[Tensor, ...]:
    """The gradient's derivative along a direction, a part for each parameter; zeros where it does not depend on one."""
    if not grads:
        return tuple(map(torch.zeros_like, parameters))
    parts, along = [g for _, g in grads], [directions[i] for i, _ in grads]
    return torch.autograd.grad(parts, parameters, along, retain_graph=retain, materialize_grads=True)


def unflatten(v: Tensor, like: list[nn.Parameter]) -> list[Tensor]:
    """A flat weight vector as views in the shapes of the parameters."""
    parts = v.split([p.numel() for p in like])
    return [part.view(p.shape) for part, p in zip(parts, like, strict=True)]


def lanczos(product: Product, start: Tensor, tolerance: float, max_products: int) -> Eigenvalue:
    """The top of a symmetric operator's spectrum; see ``lanczos_pair``."""
    return lanczos_pair(product, start, tolerance, max_products)[0]


def lanczos_pair(product: Product, start: Tensor, tolerance: float, max_products: int) -> tuple[Eigenvalue, Tensor]:
    """The top of a symmetric operator's spectrum by Lanczos, reorthogonalised against every earlier vector.

    The three-term recurrence takes out what is large, one pass over all vectors what rounding left. Two such passes
    found the same and took a search on M1 a tenth longer.

    The residual of the top Ritz pair is |beta_k s_k|, read off the tridiagonal matrix without another product. With it
    the pair's vector, of unit length and in the precision of ``start``.
    """
    basis = _Basis()
    basis.append(start, norm(start))
    diagonal: list[float] = []
    off: list[float] = []
    limit = min(max_products, len(start))
    while True:
        w = product(basis.last)
        diagonal.append(dot(w, basis.last))
        for vector, along in zip(basis.last_two, [diagonal[-1], *off[-1:]], strict=True):
            w.add_(vector, alpha=-along)
        basis.remove_from(w)
        beta = norm(w)
        values, vectors = torch.linalg.eigh(_tridiagonal(diagonal, off))
        value, residual = values[-1].item(), abs(beta * vectors[-1, -1].item())
        exhausted = beta <= 1e-6 * max(abs(values[0].item()), abs(value))  # the Krylov space is invariant: all is known
        if residual <= tolerance * abs(value) or exhausted or len(diagonal) >= limit:
            return Eigenvalue(value, residual, values[0].item(), len(diagonal)), basis.combined(vectors[:, -1])
        off.append(beta)
        basis.append(w, beta)


def dot(v: Tensor, w: Tensor) -> float:
    """The inner product of two weight vectors."""
    return _inner(v[None], w).item()


def norm(v: Tensor) -> float:
    """The length of a weight vector."""
    return math.sqrt(dot(v, v))


def _inner(rows: Tensor, w: Tensor) -> Tensor:
    """Inner products (R,) of each row (R, N) with ``w`` (N,), summed piece by piece, the pieces in double precision."""
    if w.device.type != "cpu":
        return _inner_at_once(rows, w)
    pieces = [r @ p for r, p in zip(rows.split(PIECE, 1), w.split(PIECE), strict=True)]
    return torch.stack(pieces).sum(0, dtype=torch.float64)


def _inner_at_once(rows: Tensor, w: Tensor) -> Tensor:
    """The same in two kernels, where thousands of pieces would be thousands of launches."""
    return (rows * w).sum(1, dtype=torch.float64)


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
        for i, block in enumerate(self._blocks):
            rows = block[: self._count - i * self.ROWS]
            w.addmv_(rows.T, _inner(rows, w).to(w), alpha=-1)

    def combined(self, weights: Tensor) -> Tensor:
        """The sum of the vectors, weighted."""
        weights = weights.to(self.last)
        blocks = zip(self._blocks, weights.split(self.ROWS), strict=True)
        return torch.stack([block[: len(w)].T @ w for block, w in blocks]).sum(0)


def _tridiagonal(diagonal: list[float], off: list[float]) -> Tensor:
    t = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    if off:
        b = torch.tensor(off, dtype=torch.float64)
        t += torch.diag(b, 1) + torch.diag(b, -1)
    return t
