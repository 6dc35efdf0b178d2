"""Claims on M1 that are decided at the same training amount T, and a regime whose amounts can be told by hand."""

import math
from pathlib import Path

from worlds import Results, case_of, conditions, declared, fill, under

from repro.experiment.recipes import BENCHMARK, LR, LR_BS, Recipe
from repro.experiment.tasks import M1_MNIST
from repro.runs.conditions import Conditions
from repro.runs.store import Store
from repro.statistics.equivalence import Flat
from repro.statistics.estimands import Estimand
from repro.statistics.trends import Drops, Lower, Rises
from repro.statistics.units import factor, points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, Curve, Measure
from repro.verdicts.deciding import judge
from repro.verdicts.verdict import Matched, Verdict

# 1,024 images, two epochs; T of LR is 0.32, 0.16, 0.08 at batch size 64, 128, 256. So many are attacked that half
# of one, the doubt of any accuracy, is far below every margin.
HERE = under(conditions().regime.overridden(attacked_images=10_000))
HALF_AN_IMAGE = 2.91999 * 100 / 10_000 / 2 / math.sqrt(3)  # points at three seeds; t(2) at 95% one-sided
EVERY = [case for test in declared() for case in test.cases]


def case(*curves: Curve, holds_if: Estimand) -> Case:
    return case_of(*curves, holds_if=holds_if)


def of(recipe: Recipe, holds_if: Estimand, measure: Measure = FGSM) -> Case:
    return case(Curve(M1_MNIST, recipe, measure), holds_if=holds_if)


DROPS, RISES = of(BENCHMARK, Drops(points(1))), of(LR(), Rises(points(1)))
FLAT = of(LR_BS(), Flat(points(5)))
FLATTER = case(Curve(M1_MNIST, LR_BS(), LAMBDA1), Curve(M1_MNIST, LR(), LAMBDA1), holds_if=Lower(factor(1.25)))


def verdict(folder: Path, of: Case, results: Results, where: Conditions = HERE) -> tuple[Verdict, Matched]:
    found = judge(of, fill(Store(folder), of.runs(where), results, where.reading(of.tasks[0])), where)
    assert found.matched is not None
    return found, found.matched
