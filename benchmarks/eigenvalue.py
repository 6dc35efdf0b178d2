"""lambda1 against what a user would take: PyHessian at a true error of 1e-3, and curvlinops' operator in scipy's eigsh.

The truth is that of Lanczos in double precision, from another start, to a residual of 1e-8 of the value. PyHessian's
power iteration is given the fewest steps, over a few starts, after which its estimate is within 1e-3 of the truth,
which a user could not know; ours stops by itself, and takes its starts in turn. What a user could do is to tighten
PyHessian's tolerance until its own stop is near enough: those products are the figure ``by_own_stop``.
"""

import copy
import warnings
from collections.abc import Callable
from functools import partial
from itertools import cycle
from statistics import mean
from typing import Any

import torch
from scipy.sparse.linalg import eigsh
from torch import Tensor, nn

from repro.experiment.tasks import TASKS
from repro.science.curvature.hessian import top_eigenvalue

from .networks import as_written, data, network, once, told
from .power_iteration import STARTS, Count, fewest, own_stop, power_iteration
from .sides import Checked, Pair, Timed

IMAGES = {"M1-MNIST": 32, "StdCNN-MNIST": 128, "C1-CIFAR10": 16}
CURVLINOPS_IMAGES = {"M1-MNIST": 128, "StdCNN-MNIST": 256}
NEAR = 1e-3  # the true error that both sides must come to


def by_eigsh(model: nn.Module, x: Tensor, y: Tensor, tolerance: float) -> float:
    """The largest algebraic eigenvalue by curvlinops and scipy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of curvlinops, about check_deterministic and what it imports
        from curvlinops import HessianLinearOperator

        operator = HessianLinearOperator(
            model, torch.nn.CrossEntropyLoss(), list(model.parameters()), [(x, y)], check_deterministic=False
        )
        return float(eigsh(operator.to_scipy(), k=1, which="LA", tol=tolerance, return_eigenvectors=False)[0])


def near(true: float) -> Callable[[float], bool]:
    """Whether a value is near enough to the true one."""
    return lambda value: abs(value / true - 1) <= NEAR


def truth(name: str, barely: bool, count: int) -> float:
    """The true lambda1 of the network's loss on its first training images."""

    def compute() -> float:
        x, y = data(TASKS[name]).train.part(count)
        double = copy.deepcopy(network(name, barely)).double()
        return top_eigenvalue(double, x.double(), y, tolerance=1e-8, seed=STARTS).value

    return float(once(f"lambda1-{name}-{barely}-{count}", compute))


def against_curvlinops(name: str, count: int) -> Pair:
    x, y = data(TASKS[name]).train.part(count)

    def check() -> Checked:
        ours, theirs = top_eigenvalue(network(name), x, y), by_eigsh(as_written(network(name)), x, y, 1e-2)
        apart = abs(ours.value / theirs - 1)
        facts = {**told(name), "images": count, "differ_by": apart, "our_products": ours.products}
        fault = f"ours, {ours.value:.6g}, is not the peer's, {theirs:.6g}: they are not the same eigenvalue"
        return Checked(facts, faults=(fault,) if apart > NEAR else ())

    return Pair(
        lambda: top_eigenvalue(network(name), x, y), lambda: by_eigsh(as_written(network(name)), x, y, 1e-2), check
    )


def against_pyhessian(name: str, barely: bool) -> Pair:
    count = IMAGES[name]
    x, y = data(TASKS[name]).train.part(count)

    def peer_needs() -> tuple[int, int, bool]:
        true = truth(name, barely, count)
        return fewest(lambda: as_written(network(name, barely)), x, y, near(true))

    seed, steps, reached = once(f"pyhessian-{name}-{barely}", peer_needs)
    starts = cycle(range(STARTS))

    def peer() -> float:
        return power_iteration(as_written(network(name, barely)), x, y, seed, steps, 0.0)

    return Pair(
        lambda: top_eigenvalue(network(name, barely), x, y, seed=next(starts)),
        peer,
        lambda: check(name, barely, (x, y), steps, bool(reached), peer),
    )


def check(
    name: str, barely: bool, images: tuple[Tensor, Tensor], steps: int, reached: bool, peer: Callable[[], float]
) -> Checked:
    """Both errors and the products of both; and what PyHessian's own stop gives."""
    true = truth(name, barely, IMAGES[name])
    model = network(name, barely)
    ours = [top_eigenvalue(model, *images, seed=seed) for seed in range(STARTS)]
    error = max(abs(found.value / true - 1) for found in ours)
    spent = mean(found.products for found in ours)
    facts = {
        **(told(name) if not barely else {"data": told(name)["data"], "trained_on": "5 steps"}),
        "images": IMAGES[name],
        "true_value": true,
        "our_error": error,
        "our_products": [found.products for found in ours],
        "peer_error": abs(peer() / true - 1),
        "peer_products": steps,
        "peer_reached_it": reached,  # if not, the ratios are lower bounds
        "peer_by_its_own_stop": by_its_own_stop(as_written(model), *images, true),
    }
    faults = (f"our error {error:.1e} is above {NEAR:g}",) if error > NEAR else ()
    tolerance, by_itself, got_there = own_stop(lambda: as_written(model), *images, near(true))
    facts |= {
        "peer_tolerance": tolerance,
        "peer_is_near_by_its_own_stop": got_there,
    }  # if not, its ratio is a lower bound
    return Checked(facts, {"products": _count(spent, steps), "by_own_stop": _count(spent, by_itself)}, faults)


def _count(ours: float, peer: float) -> dict[str, Any]:
    """A figure of products, which have no spread: they are counted."""
    value = peer / ours
    return {"value": value, "range": (value, value), "asked": 2.0, "of": "", "ours": ours, "peer": peer}


def by_its_own_stop(model: nn.Module, x: Tensor, y: Tensor, true: float) -> dict[str, Any]:
    """What a user gets who changes nothing: value, error and products."""
    with Count() as count:
        value = power_iteration(model, x, y, 0, 100, 1e-3)
    return {"value": value, "error": abs(value / true - 1), "products": count.products}


CASES = {
    **{
        f"lambda1-{task}-{'barely' if barely else 'trained'}": Timed(
            partial(against_pyhessian, task, barely), 2.0, ("pyhessian",)
        )
        for task in IMAGES
        for barely in (True, False)
    },
    **{
        f"lambda1-{task}-curvlinops": Timed(
            partial(against_curvlinops, task, count), 2.0, ("curvlinops-for-pytorch", "scipy")
        )
        for task, count in CURVLINOPS_IMAGES.items()
    },
}
