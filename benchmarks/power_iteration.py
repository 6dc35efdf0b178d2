"""PyHessian's power iteration as a user calls it, and a count of its products."""

import warnings
from collections.abc import Callable
from statistics import mean
from types import TracebackType
from unittest import mock

import torch
from torch import Tensor, nn

DEFAULT = 100  # PyHessian's own limit of steps
STARTS = 3
TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6)  # of its stop, PyHessian's own first


def power_iteration(model: nn.Module, x: Tensor, y: Tensor, seed: int, steps: int, tolerance: float) -> float:
    """The eigenvalue of largest magnitude, on one batch; the model's gradients are cleared."""
    from pyhessian import hessian

    torch.manual_seed(seed)
    model.zero_grad()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch, about a reference cycle, which is broken below
        found = hessian(model, torch.nn.CrossEntropyLoss(), data=(x, y), cuda=False)
        values, _ = found.eigenvalues(maxIter=steps, tol=tolerance)
    model.zero_grad()
    return float(values[0])


class Count:
    """Counts PyHessian's products within a block, and looks at each estimate: v^T H v of the unit vector v."""

    def __init__(self, see: Callable[[float], None] = lambda _: None) -> None:
        from pyhessian import hessian

        self.products, self._see = 0, see
        module = __import__(hessian.__module__, fromlist=["hessian_vector_product"])
        self._product = module.hessian_vector_product
        self._patch = mock.patch.object(module, "hessian_vector_product", self._counted)

    def _counted(self, gradients: list[Tensor], parameters: list[nn.Parameter], v: list[Tensor]) -> tuple[Tensor, ...]:
        found: tuple[Tensor, ...] = self._product(gradients, parameters, v)
        self.products += 1
        self._see(sum((a * b).sum().item() for a, b in zip(found, v, strict=True)))
        return found

    def __enter__(self) -> "Count":
        self._patch.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._patch.stop()


class _NearError(Exception):
    """The estimate is near enough."""


def fewest(
    network: Callable[[], nn.Module], x: Tensor, y: Tensor, near: Callable[[float], bool]
) -> tuple[int, int, bool]:
    """A start, the fewest products over a few starts after which the estimate is near, and whether it ever was."""

    def see(value: float) -> None:
        if near(value):
            raise _NearError

    best = (0, DEFAULT, False)
    for seed in range(STARTS):
        limit = best[1] - 1 if best[2] else DEFAULT
        if limit < 1:
            break
        with Count(see) as count:
            try:
                power_iteration(network(), x, y, seed, limit, 0.0)
            except _NearError:
                best = (seed, count.products, True)
    return best


def own_stop(
    network: Callable[[], nn.Module], x: Tensor, y: Tensor, near: Callable[[float], bool]
) -> tuple[float, float, bool]:
    """The loosest tolerance with which its own stop is near from every start, the mean of its products, and whether.

    Whether there is one, that is: else what the tightest tolerance takes.
    """
    tolerance, products = TOLERANCES[0], 0.0
    for tolerance in TOLERANCES:
        spent, values = [], []
        for seed in range(STARTS):
            with Count() as count:
                values.append(power_iteration(network(), x, y, seed, DEFAULT, tolerance))
            spent.append(count.products)
        products = mean(spent)
        if all(map(near, values)):
            return tolerance, products, True
    return tolerance, products, False
