"""What runs will cost, before they are made. Free of torch.

Work is counted (steps, forward passes, gradients, Hessian-vector products) and turned into seconds by a table of rates.
Where runs say what they took on a machine, others that are like them are expected to take as much more or less than
the table says. That is enough to put runs in an order and to say when a session will be over.
"""

import heapq
import platform
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from ..experiment.own import PREFIX
from ..experiment.readings import Reading
from ..science.measuring.checks import IMAGES, SECOND_PRODUCTS
from ..words import counted
from .rates import BUILT_IN, ENVIRONMENT, Speed, measured, named
from .run import Job, Run, of_record
from .store import Store

PRODUCTS: Final = 9  # of a search for lambda1, on average over a quick session's networks; 6 to 8 on M1 and StdCNN
CHUNK: Final = 512  # images that one graph is kept of
REBUILT: Final = 1.5  # products' worth of one whose graph is not kept but built for it
CHECKS: Final = 12  # gradients in the images to check the attacks
SPREAD: Final = 3  # products' worth of lambda1 image by image
UNBROKEN: Final = 0.6  # of the images are still attacked at a step of PGD, on average
TWICE: Final = 0.4  # of the images are attacked on the margin form too, since no attack on cross-entropy broke them
SAMPLE: Final = 300  # stored runs that are looked at

Took = tuple[Run, Reading | None, float]  # the seconds of a run's training (None), or of its measures under a reading


def took(store: Store, device: str, host: str | None = None) -> Iterator[Took]:
    """What stored runs took on a device of this host (None: of any); not those that diverged, for they did less."""
    for record, measures in store.sample(SAMPLE):
        with suppress(KeyError, TypeError, ValueError, msgspec.MsgspecError):  # another version's
            run = of_record(record)
            if run is None or run.device != device or record["diverged"] or host not in (None, record["machine"]):
                continue
            if record["seconds"]:  # a checkpoint has none: it was stored on the way of its run
                yield run, None, float(record["seconds"])
            times = [(msgspec.convert(one["reading"], Reading), float(one["seconds"])) for one in measures]
            yield from ((run, reading, seconds) for reading, seconds in times if seconds)


def known(store: Store, device: str) -> Iterator[Took]:
    """What runs took on this machine: those of a session's store, and the short ones that it was measured with."""
    yield from took(store, device, platform.node())
    yield from took(Store(measured(device)), device)


class Costs:
    """The seconds of jobs on one process, by a table of ``speeds`` and by what other runs ``took``."""

    def __init__(self, took: Iterable[Took] = (), speeds: Mapping[str, Speed] = BUILT_IN) -> None:
        self._speeds, runs = speeds, set()
        expected, taken = defaultdict[Hashable, float](float), defaultdict[Hashable, float](float)
        for run, reading, seconds in took:
            runs.add(run)
            work = self._work(run, reading)
            for like in {like for part in work for like in _alike(run, reading, part)}:
                expected[like] += sum(work.values())
                taken[like] += seconds
        self._factors = {like: taken[like] / expected[like] for like in taken if expected[like]}
        self.runs = len(runs)

    @property
    def says(self) -> str:
        """Where the seconds are known from, for a person."""
        path = named()
        if self.runs:
            return f"what {counted(self.runs, 'run')} took {f'here or in {path}' if path else 'on this machine'}"
        ignored = f"{ENVIRONMENT} {path}: no such runs are stored there, and it is ignored; " if path else ""
        built_in = f"built-in rates of one core of a 2-core AMD EPYC; {ignored}"
        return f"{built_in}`python -m repro calibrate` measures this machine in a minute"

    def seconds(self, run: Run, reading: Reading | None = None) -> float:
        """To train a run, or to measure one that is trained."""
        total = 0.0
        for part, one in self._work(run, reading).items():
            factors = (self._factors[like] for like in _alike(run, reading, part) if like in self._factors)
            total += one * next(factors, 1.0)
        return total

    def _work(self, run: Run, reading: Reading | None) -> dict[str, float]:
        """Seconds by the table, of a training or of each part of a reading."""
        speed = self._speeds.get(run.task.architecture) or self._speeds["M1"]  # a guess for one that nobody timed
        wider = (run.width / 64) ** 2  # arithmetic grows as its square
        if reading is None:
            return {"training": run.last_step * speed.step + wider * run.samples * speed.sample}
        return {part: wider * one for part, one in _parts(run, reading, speed).items() if part in reading.parts}

    def of(self, jobs: Iterable[Job], trained: Collection[Run] = ()) -> dict[Job, float]:
        """Seconds of each job beside the others, the slowest first; jobs that take equally long in a fixed order.

        Runs that are ``trained`` are not trained again, and the training of a run stores its checkpoints on the way.
        """
        found = {job: self.seconds(*job) for job in jobs}
        training = {job for job in found if job.kind == "train" and job.run not in trained}
        begun = {job.run for job in training}
        for job in training:
            if not job.run.on_the_way or job.run.whole not in begun:
                found[job] += self.seconds(job.run)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0].run.key)))


def _alike(run: Run, reading: Reading | None, part: str) -> tuple[Hashable, ...]:
    """What a part of the work has in common with other work, the most first."""
    device, kind = run.device, (run.device, run.task.architecture)
    network = *kind, run.width
    if reading is None:
        return (*network, run.precision, run.batch_size), (*network, run.precision), (*kind, "training"), device
    return (*network, reading), (*network, part), (*network, "measures"), (*kind, "measures"), device


def _parts(run: Run, reading: Reading, speed: Speed) -> dict[str, float]:
    """Seconds of each part that a reading may have, by the work in it."""
    attacked = _of_test(run, reading.attacked_images)
    of_training = min(reading.hessian_images or run.images, run.images)
    curved = _of_test(run, reading.hessian_images) if reading.curvature_of == "test" else of_training
    product = speed.product * curved * (REBUILT if curved > CHUNK else 1)
    spread = SPREAD * speed.product * curved
    steps = reading.pgd_restarts * UNBROKEN * reading.pgd_steps
    own = speed.gradient * run.images  # a guess: what a next author's measure does is known when it was done once
    gradients = 2 + TWICE + (1 + TWICE) * steps  # their health, FGSM and PGD on cross-entropy, and on the margin form
    return {
        "accuracy": speed.forward * (run.images + _of_test(run, reading.test_images)),
        "attacks": attacked * (gradients * speed.gradient + 4 * speed.forward),
        "curvature": PRODUCTS * product,
        "instruments": CHECKS * speed.gradient * min(attacked, IMAGES) + SECOND_PRODUCTS * product + spread,
        "transfer": attacked * (speed.gradient + speed.forward),
        **{part: own for part in reading.parts if part.startswith(PREFIX)},
    }


def _of_test(run: Run, wanted: int | None) -> int:
    return min(wanted or run.task.dataset.test, run.task.dataset.test)


def by_run(seconds: Mapping[Job, float]) -> dict[Run, float]:
    """Seconds of all jobs that belong to one run, with its checkpoints: one process at a time works on them."""
    sums = defaultdict[Run, float](float)
    for job, one in seconds.items():
        sums[job.run.whole] += one
    return sums


def makespan(seconds: Mapping[Job, float], processes: int) -> float:
    """Seconds until the last job is done by processes that take the next one when they are free."""
    return max([played(seconds.values(), processes), *by_run(seconds).values()])


def played(seconds: Iterable[float], workers: int) -> float:
    """Seconds until the last piece of work is done by workers that take the next one when they are free."""
    ends = [0.0] * workers
    for one in seconds:
        heapq.heapreplace(ends, ends[0] + one)
    return max(ends)
