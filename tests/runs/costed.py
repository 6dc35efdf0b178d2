"""What the tests of costs price: a run of M1, one of StdCNN, and a reading of them."""

from dataclasses import replace

from repro.experiment.readings import Reading
from repro.experiment.recipes import LR
from repro.experiment.tasks import M1_MNIST, STDCNN_MNIST
from repro.runs.costs import Costs
from repro.runs.run import Run

READING = Reading(test_images=2048, attacked_images=256, pgd_steps=10, hessian_images=256)
RUN = Run(M1_MNIST, LR().sgd(64), 64, 0, 12, 1024, "published", "cpu")
STDCNN = replace(RUN, task=STDCNN_MNIST)


def whole(run: Run, reading: Reading, costs: Costs | None = None) -> float:
    """Seconds to train a run and to measure it."""
    costs = costs or Costs()
    return costs.seconds(run) + costs.seconds(run, reading)
