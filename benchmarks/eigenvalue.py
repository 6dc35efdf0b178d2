"""lambda1 to a residual of 1e-2 of its value, against curvlinops' operator in scipy's eigsh at the same tolerance."""

import warnings
from collections.abc import Callable

import torch
from curvlinops import HessianLinearOperator
from scipy.sparse.linalg import eigsh

from repro.science.hessian import top_eigenvalue
from repro.science.models import build
from repro.science.recipes import BENCHMARK
from repro.science.surrogate import surrogate
from repro.science.tasks import TASKS
from repro.science.training import train


def lambda1(name: str, count: int) -> tuple[Callable[[], None], Callable[[], None]]:
    task = TASKS[name]
    arrays = surrogate(task.dataset.name)
    images = torch.from_numpy(arrays.train_images[:2048]).float() / 255
    labels = torch.from_numpy(arrays.train_labels[:2048])
    model = build(task, 0)
    train(model, images, labels, sgd=BENCHMARK.sgd(64), batch_size=64, epochs=2, seed=0)
    model.eval()
    x, y = images[:count], labels[:count]

    def harness() -> None:
        top_eigenvalue(model, x, y)

    def peer() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of curvlinops, about check_deterministic
            operator = HessianLinearOperator(
                model, torch.nn.CrossEntropyLoss(), list(model.parameters()), [(x, y)], check_deterministic=False
            )
            eigsh(operator.to_scipy(), k=1, which="LA", tol=1e-2, return_eigenvectors=False)

    return harness, peer


CASES = {
    "lambda1-M1-MNIST": lambda: lambda1("M1-MNIST", 128),
    "lambda1-StdCNN-MNIST": lambda: lambda1("StdCNN-MNIST", 256),
}
