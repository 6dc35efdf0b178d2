"""What the tests of plans share: a small session, cases of claims in it, and a store of runs measured in every way."""

from collections.abc import Iterable
from pathlib import Path

from worlds import READING, case_of, conditions, declared, fill, fill_transfer

from repro.experiment.readings import of_checkpoints, transfer
from repro.experiment.recipes import BENCHMARK, LR, LR_BS
from repro.experiment.tasks import C1_CIFAR10, M1_MNIST
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.equivalence import Matches
from repro.statistics.trends import Drops
from repro.statistics.units import points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, Curve

WHERE = conditions()
AT_CHECKPOINTS, TRANSFER = of_checkpoints(READING), transfer(READING)
NEITHER, DROPS = Matches(points(2)), Drops(points(1))
ROBUST = case_of(Curve(M1_MNIST, LR(), FGSM), holds_if=NEITHER, axes=("a",))
FLATTER = case_of(Curve(M1_MNIST, LR_BS(), LAMBDA1), Curve(M1_MNIST, LR(), LAMBDA1), holds_if=NEITHER, axes=("b",))
COLOURED = case_of(Curve(C1_CIFAR10, BENCHMARK, FGSM), holds_if=NEITHER, axes=("c",))
# LR comes to 4, 2 and 1 times the same training amount at 64, 128 and 256; LR/BS to the same everywhere
COMPARED = case_of(*ROBUST.curves, holds_if=DROPS, axes=("e",))
ALIKE = case_of(Curve(M1_MNIST, LR_BS(), FGSM), holds_if=DROPS, axes=("f",))


def every_case() -> list[Case]:
    """All cases of all claims of the paper."""
    return [case for test in declared() for case in test.cases]


def stored_whole(root: Path, runs: Iterable[Run]) -> Store:
    """A store of runs that were measured alone and together with the same run of another seed."""
    runs = list(runs)
    return fill_transfer(fill(Store(root), runs), (run for run in runs if run is run.whole))
