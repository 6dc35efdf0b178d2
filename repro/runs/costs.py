"""What a run will cost, before it is made. Free of torch.

Work is counted here (steps, forward passes, gradients, Hessian-vector products) and turned into seconds by the rates of
a machine, see ``repro.runs.rates``. Enough to start the slowest runs first and to say when a session will be over.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ..experiment.readings import Reading
from ..science.measuring.checks import CURVED_IMAGES, IMAGES, SECOND_PRODUCTS
from .rates import BUILT_IN, Rates, Speed
from .run import Run

PRODUCTS: Final = 9  # of a search for lambda1, on average over a quick session's networks; 6 to 8 on M1 and StdCNN
CHUNK: Final = 512  # images that one graph is kept of
REBUILT: Final = 1.5  # products' worth of one whose graph is not kept but built for it
CHECKS: Final = 15  # gradients in the images to check the attacks
SPREAD: Final = 3  # products' worth of lambda1 image by image, and of the second start
UNBROKEN: Final = 0.6  # of the images are still attacked at a step of PGD, on average

Job = tuple[Run, Reading]  # a run, and how it is to be measured
Stored = Callable[[Run], bool]  # whether a run is trained


def nothing(_: Run) -> bool:
    """Of an empty store: no run is trained."""
    return False


def training_seconds(run: Run, rates: Rates = BUILT_IN) -> float:
    """Seconds to train a run: its steps, the last one of an epoch on what images are left."""
    step = rates.speed(run.task.architecture, run.width).step
    epochs, rest = divmod(run.last_step, run.steps_per_epoch)
    full, left = divmod(run.images, run.batch_size)
    return (epochs * full + rest) * step.at(run.batch_size) + epochs * step.at(left)


def measuring_seconds(run: Run, reading: Reading, rates: Rates = BUILT_IN) -> float:
    """Seconds to measure a run that is trained, in the parts that the reading names."""
    speed = rates.speed(run.task.architecture, run.width)
    curved, attacked = _curved(run, reading), _of_test(run, reading.attacked_images)
    product = speed.product.at(curved) * (REBUILT if curved > CHUNK else 1)
    parts = {
        "accuracy": speed.forward.at(run.images) + speed.forward.at(_of_test(run, reading.test_images)),
        "attacks": _attacking(reading, attacked, speed),
        "curvature": PRODUCTS * product,
        "instruments": CHECKS * speed.gradient.at(IMAGES)
        + SECOND_PRODUCTS * product
        + SPREAD * speed.product.at(min(curved, CURVED_IMAGES)),
        "transfer": speed.gradient.at(attacked) + speed.forward.at(attacked) + speed.fixed,  # of a second network
    }
    return speed.fixed + sum(seconds for part, seconds in parts.items() if part in reading.parts)


def _of_test(run: Run, wanted: int | None) -> int:
    return min(wanted or run.task.dataset.test, run.task.dataset.test)


def _curved(run: Run, reading: Reading) -> int:
    if reading.curvature_of == "test":
        return _of_test(run, reading.hessian_images)
    return min(reading.hessian_images or run.images, run.images)


def _attacking(reading: Reading, images: int, speed: Speed) -> float:
    """FGSM and PGD, each climbing two losses, and the gradients' health."""
    gradient, forward = speed.gradient.at(images), speed.forward.at(images)
    steps = reading.pgd_restarts * (UNBROKEN * reading.pgd_steps * gradient)
    return 2 * (gradient + forward + forward + steps) + gradient


def job_seconds(run: Run, reading: Reading, rates: Rates = BUILT_IN) -> float:
    """Seconds of a job on its own: to measure a run, and before to train it if this is its first reading."""
    measuring = measuring_seconds(run, reading, rates)
    if "accuracy" not in reading.parts:  # only other readings find the run stored
        return measuring
    return measuring + training_seconds(run, rates) + rates.speed(run.task.architecture, run.width).kept


def costs(jobs: Iterable[Job], stored: Stored = nothing, rates: Rates = BUILT_IN) -> dict[Job, float]:
    """Seconds of each job beside the others.

    Runs that are ``stored`` are not trained, and checkpoints of a run that is trained are stored on the way.
    """
    jobs = list(dict.fromkeys(jobs))
    first = dict.fromkeys(run for run, reading in jobs if "accuracy" in reading.parts)
    trained = {run for run in first if not stored(run)}
    found = {}
    for run, reading in jobs:
        spared = run not in trained or (run is not run.whole and run.whole in trained)
        found[run, reading] = (measuring_seconds if spared else job_seconds)(run, reading, rates)
    return found


def slowest_first(jobs: Iterable[Job], stored: Stored = nothing, rates: Rates = BUILT_IN) -> list[Job]:
    """The order to start runs in so that none is left for the end alone; ties in a fixed order."""
    return by_cost(costs(jobs, stored, rates))


def by_cost(seconds: Mapping[Job, float]) -> list[Job]:
    """The same of jobs whose seconds are known."""
    return sorted(seconds, key=lambda job: (-seconds[job], job[0].key))


def span(seconds: float) -> str:
    """A duration for a person, to two digits."""
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{seconds:.0f} seconds"
