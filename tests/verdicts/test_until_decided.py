"""Seeds that are added to a claim until it is decided, and what further ones would cost where it is not."""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import HEALTHY, Results, case_of, conditions, fill, fill_transfer, same_examples

from repro.errors import ReproError
from repro.experiment.recipes import BENCHMARK, LR_BS
from repro.experiment.tasks import M1_MNIST
from repro.runs.conditions import Conditions
from repro.runs.run import Job, Run
from repro.runs.store import Store
from repro.statistics.prediction import CAP
from repro.statistics.trends import Drops, Rises
from repro.statistics.units import factor, points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, Curve
from repro.verdicts.deciding import judge
from repro.verdicts.verdict import Verdict
from repro.words import counted

DROPS = case_of(Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Drops(points(1)))
STEEPENS = case_of(Curve(M1_MNIST, LR_BS(), LAMBDA1), holds_if=Rises(factor(1.25)))


def adding(cap: int, seeds: int = 3) -> Conditions:
    return replace(conditions(seeds=seeds), until_decided=cap)


def along(slope: Callable[[int], float]) -> Results:
    """FGSM accuracy that falls by a seed's own slope with each doubling of the batch size."""
    return lambda run: {"fgsm_accuracy": 0.8 - slope(run.seed) * math.log2(run.batch_size / 64)}


def decided(folder: Path, results: Results, where: Conditions, of: Case = DROPS) -> tuple[Verdict, list[int]]:
    """A verdict, and the numbers of seeds that were asked for on the way to it."""
    store, asked = Store(folder), []

    def obtain(jobs: Iterable[Job]) -> None:
        runs = list(dict.fromkeys(run for run, _ in jobs))
        asked.append(len({run.seed for run in runs}))
        fill(store, [run for run in runs if store.record(run) is None], results)
        fill_transfer(store, runs)

    return judge(of, store, where, "", obtain), asked


def test_without_the_option_there_is_one_look() -> None:
    assert conditions(seeds=4).looks(M1_MNIST) == (4,)


def test_looks_grow_by_halves_up_to_the_cap() -> None:
    assert adding(12).looks(M1_MNIST) == (3, 5, 8, 12)
    assert adding(6).looks(M1_MNIST) == (3, 5, 6)
    assert adding(2).looks(M1_MNIST) == (3,)  # never fewer than the regime's


@same_examples
@given(st.integers(1, 20), st.integers(2, 60))
def test_looks_begin_with_the_regimes_seeds_and_end_with_the_cap(seeds: int, cap: int) -> None:
    looks = adding(cap, seeds).looks(M1_MNIST)
    assert (looks[0], looks[-1]) == (seeds, max(seeds, cap))
    assert all(one < other <= math.ceil(1.5 * one) for one, other in pairwise(looks))


def test_a_claim_that_the_first_look_decides_gets_no_further_seed(tmp_path: Path) -> None:
    found, asked = decided(tmp_path, along(lambda _: 0.1), adding(12))
    assert (found.reproduced, found.seeds, asked) == (True, 3, [3])


def test_seeds_are_added_look_by_look_until_it_is_decided(tmp_path: Path) -> None:
    world = along(lambda seed: 0.0 if seed == 1 else 0.1)
    found, asked = decided(tmp_path, world, adding(12))
    assert (found.reproduced, found.seeds, asked) == (True, 8, [3, 5, 8])
    assert f"({100 * found.decision.level:.3g}% interval, 8 seeds)" in found.evidence
    alone, _ = decided(tmp_path / "alone", world, conditions(seeds=8))
    assert found.decision.level > alone.decision.level == pytest.approx(0.9)  # looking often has its price


def test_a_claim_that_stays_undecided_is_so_at_the_cap(tmp_path: Path) -> None:
    found, asked = decided(tmp_path, along(lambda seed: 0.1 * (-1) ** seed), adding(8))
    assert (found.inconclusive, found.seeds, asked) == (True, 8, [3, 5, 8])


def test_a_claim_without_values_gets_no_further_seed(tmp_path: Path) -> None:
    found, asked = decided(tmp_path, lambda run: None if run.seed == 0 else {}, adding(12), STEEPENS)
    assert (found.inconclusive, found.seeds, asked) == (True, 3, [3])


def test_a_claim_on_an_eigenvalue_in_doubt_gets_no_further_seed(tmp_path: Path) -> None:
    """Seeds would not mend that one image carries it."""

    def of_one_image(_: Run) -> dict[str, float]:
        return {"lambda1": 10.0, "lambda1_error": 9.0, "lambda1_smallest": -1.0}

    found, asked = decided(tmp_path, of_one_image, adding(12), STEEPENS)
    assert found.effect.endswith("fewer than four images carry lambda1 in 9 of 9 runs")
    assert (found.inconclusive, found.seeds, asked) == (True, 3, [3])


def test_where_nothing_is_obtained_a_look_without_its_runs_is_an_error(tmp_path: Path) -> None:
    world = along(lambda seed: 0.1 * (-1) ** seed)
    store = fill(Store(tmp_path), DROPS.runs(adding(12)), world)
    with pytest.raises(ReproError, match=r"seed 3 \(\w+\) is not in"):
        judge(DROPS, store, adding(12))


# --- what further seeds would come to ---


def costly(folder: Path, slope: Callable[[int], float], where: Conditions, of: Case = DROPS) -> Verdict:
    """A verdict where each run took 10 seconds to train, 2 to measure and 1 together with another seed's."""
    store = fill(Store(folder), of.runs(where))
    for run, reading in of.jobs(where):
        whole = {"steps": run.last_step, "training_amount": run.amount, "diverged": False, "seconds": 10.0}
        store.put_run(run, whole, lambda path: path.touch())
        attacked = along(slope)(run) or {}
        measures = {**HEALTHY, **attacked, "fgsm_sound_accuracy": attacked["fgsm_accuracy"]}
        together = "transfer" in reading.parts
        found = {"transfer_accuracy": 0.9} if together else measures
        stored = {"reading": asdict(reading), "measures": found, "seconds": 1.0 if together else 2.0}
        store.put_measures(run, reading, stored)
    return judge(of, store, where)


def test_an_undecided_claim_says_how_many_further_seeds_would_decide_it_and_their_cost(tmp_path: Path) -> None:
    found = costly(tmp_path, lambda seed: 0.0 if seed == 1 else 0.1, conditions())
    assert found.inconclusive
    further = found.entry().further
    assert further is not None
    assert further.seeds is not None
    assert 1 <= further.seeds <= CAP
    assert further.seconds == pytest.approx(further.seeds * 3 * (10 + 2 + 1))  # three batch sizes
    assert further.level == pytest.approx(0.01)  # a fifth of the level of this look
    look = "(a further look decides at 1%)"
    words = f"{counted(further.seeds, 'further seed')} would decide it with a chance of 80% {look}, at about "
    assert further.text.startswith(words)
    assert further.text.endswith(" of one core")
    assert f"  {further.text}\n" in found.evidence


def test_a_further_seed_costs_what_is_trained_for_equal_training_too(tmp_path: Path) -> None:
    """Of Benchmark two of three batch sizes are trained once more, with the schedule compressed."""
    of = case_of(Curve(M1_MNIST, BENCHMARK, FGSM), holds_if=Drops(points(1)))
    further = costly(tmp_path, lambda seed: 0.0 if seed == 1 else 0.1, conditions(), of).further
    assert further is not None
    assert further.seeds is not None
    assert further.seconds == pytest.approx(further.seeds * (3 * (10 + 2 + 1) + 2 * (10 + 2)))


def test_an_estimate_at_the_margin_itself_is_said_to_be_hopeless(tmp_path: Path) -> None:
    found = costly(tmp_path, lambda seed: 0.005 + 0.1 * (seed - 1), conditions())  # a fall of one point on average
    further = found.entry().further
    assert further is not None
    assert (further.seeds, further.seconds) == (None, 0)
    assert further.text.startswith(f"not even {CAP} seeds would probably decide it")


def test_nothing_is_said_of_further_seeds_where_it_is_decided_or_nothing_is_known_of_the_spread(tmp_path: Path) -> None:
    assert costly(tmp_path / "decided", lambda _: 0.1, conditions()).entry().further is None
    one = costly(tmp_path / "one", lambda _: 0.1, conditions(seeds=1))
    assert one.inconclusive
    assert one.entry().further is None


def test_a_run_that_diverged_is_not_mended_by_seeds(tmp_path: Path) -> None:
    where = conditions()

    def results(run: Run) -> dict[str, float] | None:
        return None if run.seed == 2 else {}

    store = fill(Store(tmp_path), STEEPENS.runs(where), results)
    assert judge(STEEPENS, store, where).entry().further is None
