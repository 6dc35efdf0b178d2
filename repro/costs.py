"""What a run will cost on a CPU, before it is made. Free of torch.

Counted in gradients (one image forward and backward through the network) and turned into seconds with the rate
measured on one core of a 2-core AMD EPYC with AVX-512 in float32. Enough to start the slowest runs first and to tell
minutes from weeks.
"""

from collections.abc import Iterable
from typing import Final

from .runs import Run
from .science.readings import Reading

GRADIENTS_PER_SECOND: Final = {"M1": 1300.0, "StdCNN": 5500.0, "C1": 650.0, "ResNet18": 42.0}
FORWARD: Final = 1 / 3  # of a gradient
PRODUCT: Final = 4.0  # gradients an image of a Hessian-vector product
PRODUCTS: Final = 9  # a Lanczos run takes, rather many: 5 to 16 were seen
CHECKED: Final = 32  # images that the attacks are checked on
CHECKS: Final = 15  # gradients an image for that
SECOND_PRODUCTS: Final = 3  # further products to check lambda1
UNBROKEN: Final = 0.6  # of the images are still attacked at a step of PGD, on average


def training_seconds(run: Run) -> float:
    """Seconds on one core to train a run."""
    return run.samples / _rate(run)


def _rate(run: Run) -> float:
    """Gradients a second; ResNet18's grows as the square of what it is narrowed by."""
    return GRADIENTS_PER_SECOND[run.task.architecture] * (64 / run.width) ** 2


def cpu_seconds(run: Run, reading: Reading) -> float:
    """Seconds on one core to train and measure a run."""
    trained = run.images
    tested = reading.test_images or run.task.dataset.test
    attacked = reading.attacked_images or run.task.dataset.test
    curved = min(reading.hessian_images or trained, trained)
    steps = reading.pgd_steps * reading.pgd_restarts
    parts = {
        "accuracy": FORWARD * (trained + tested) + run.samples,  # the first reading trains; others find the run stored
        "attacks": 2 * attacked * (1 + UNBROKEN * steps),  # two losses, FGSM and PGD each
        "curvature": PRODUCT * PRODUCTS * curved,
        "instruments": CHECKS * CHECKED + PRODUCT * SECOND_PRODUCTS * curved,
        "transfer": CHECKED * (1 + 2 * FORWARD),
    }
    gradients = sum(cost for part, cost in parts.items() if part in reading.parts)
    return gradients / _rate(run)


def span(seconds: float) -> str:
    """A duration for a person, to two digits."""
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def slowest_first(runs: Iterable[tuple[Run, Reading]]) -> list[tuple[Run, Reading]]:
    """The order to start runs in so that none is left for the end alone; ties in a fixed order."""
    return sorted(runs, key=lambda pair: (-cpu_seconds(*pair), pair[0].key))
