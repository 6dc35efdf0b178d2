"""Claims that compare batch sizes, decided once more at the same training amount T."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from worlds import Results, case_of, conditions, declared, fill, is_of, recipe_of, under

from repro.errors import ReproError
from repro.experiment.recipes import BENCHMARK, LR, LR_BS, Recipe
from repro.experiment.regimes import PAPER, QUICK, Regime
from repro.experiment.tasks import M1_MNIST
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.science.data.sources import Kind
from repro.statistics.equivalence import Flat, Same
from repro.statistics.estimands import Compares, Estimand, Outcome
from repro.statistics.joint import Exists
from repro.statistics.pairs import HigherOnAverage, Mostly, SmallerChange
from repro.statistics.ranks import RanksDisagree
from repro.statistics.trends import Drops, Lower, Rises
from repro.statistics.units import factor, points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, Curve, Measure
from repro.verdicts.deciding import judge
from repro.verdicts.entry import json_of
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


# --- which runs are set against each other ---


def half_a_step(run: Run) -> float:
    """Of a constant rate; one and a half of the first where a schedule was compressed, as its halvings move, too."""
    return run.sgd.learning_rate / (1 - run.sgd.momentum) * (1.5 if run.compressed else 0.5)


def rivals(of: Case, where: Conditions) -> list[list[tuple[Run, Run]]]:
    """Groups of runs that a claim compares with each other: as they end, and as they are at equal training amount."""
    compares = of.holds_if.compares
    found: dict[tuple[int, Recipe | None, int], list[tuple[Run, Run]]] = {}
    group = [i for i, curves in enumerate(of.groups) for _ in curves]
    for i, curve, part in zip(group, of.curves, of.at_equal_amount(where), strict=True):
        scale = where.regime.scale(curve.task)
        grid, seeds = scale.batch_sizes, range(scale.seeds)
        sizes = grid[-1:] if compares is Compares.RECIPES else grid
        whole = [where.run(curve.task, curve.recipe, size, seed) for seed in seeds for size in sizes]
        assert (part.curve, part.batch_sizes) == (curve, sizes)
        for one, run in zip(whole, part.runs(where), strict=True):
            within = compares is Compares.BATCH_SIZES
            key = (i, curve.recipe, 0) if within else (i, None, run.batch_size)
            found.setdefault(key, []).append((one, run))
    return [*found.values()]


def test_what_each_estimand_of_the_claims_compares() -> None:
    found = {(type(of.holds_if).__name__, of.holds_if.compares) for of in EVERY}
    assert found == {
        *((name, Compares.BATCH_SIZES) for name in ("Drops", "Rises", "Flat", "NotWorse", "Jointly", "Exists")),
        ("ChangesLess", Compares.BATCH_SIZES),
        *((name, Compares.RECIPES) for name in ("Higher", "Lower")),
        *((name, Compares.CURVES) for name in ("Same", "SmallerChange", "Mostly")),
        *((name, Compares.CURVES) for name in ("HigherOnAverage", "LowerOnAverage")),
        *((name, Compares.NEITHER) for name in ("RanksDisagree", "Matches", "Differs")),
    }


@pytest.mark.parametrize("regime", [PAPER, QUICK, HERE.regime], ids=["paper", "quick", "small"])
@pytest.mark.parametrize("data", ["published", "surrogate"])
def test_what_is_compared_has_come_to_the_smallest_amount_among_it_within_half_a_step(
    regime: Regime, data: Kind
) -> None:
    """Or five in a hundred, and what rounding the amount to three digits takes away."""
    where = under(regime, data)
    compared = [of for of in EVERY if of.holds_if.compares is not Compares.NEITHER]
    for group in (group for of in compared for group in rivals(of, where)):
        smallest = min(whole.amount for whole, _ in group)
        for whole, run in group:
            assert run.whole == whole
            if run == whole:
                assert smallest <= run.amount <= 1.056 * smallest or run.amount - smallest <= half_a_step(run)
            else:
                assert run.last_step < whole.last_step
                off = abs(run.amount - smallest)
                assert off <= half_a_step(run) + 0.005 * smallest or run.last_step == 1  # there is no earlier state
        assert any(run == whole for whole, run in group)


def test_a_claim_that_compares_neither_batch_sizes_nor_recipes_has_nothing_to_match(tmp_path: Path) -> None:
    curves = [Curve(M1_MNIST, LR(m), measure) for m in (0.0, 0.9) for measure in (FGSM, LAMBDA1)]
    ranks = case(*curves, holds_if=RanksDisagree(0.9))
    assert ranks.at_equal_amount(HERE) == ()
    found = judge(ranks, fill(Store(tmp_path), ranks.runs(HERE), reading=HERE.reading(M1_MNIST)), HERE)
    assert found.matched is None
    assert found.entry().equal_amount is None
    assert "equal training amount" not in found.evidence


def steps(of: Case, where: Conditions) -> list[dict[int, int]]:
    """Of each curve: the steps that its first seed's runs are read at, by batch size."""
    parts = of.at_equal_amount(where)
    return [{run.batch_size: run.last_step for run in part.runs(where) if run.seed == 0} for part in parts]


def test_at_the_paper_s_scale_a_fixed_learning_rate_is_read_after_as_many_steps_as_the_largest_batch_takes() -> None:
    """100 epochs of 54 at batch size 1024. Benchmark takes as many at the rates that it takes there."""
    where = under(PAPER)
    assert steps(of(LR(), Drops(points(1))), where) == [dict.fromkeys((64, 128, 256, 512, 1024), 5400)]
    (benchmark,) = steps(of(BENCHMARK, Drops(points(1))), where)
    assert benchmark == dict.fromkeys((64, 128, 256, 512, 1024), 5400)
    (part,) = of(BENCHMARK, Drops(points(1))).at_equal_amount(where)
    assert {run.batch_size: run.compressed for run in part.runs(where)} == {
        **dict.fromkeys((64, 128, 256, 512), True),
        1024: False,
    }


def test_where_learning_rate_follows_batch_size_every_run_is_read_at_its_end() -> None:
    """T of LR/BS is 860 at batch size 64 and 864 at 1024, for its last batches are smaller."""
    where = under(PAPER)
    for momentum in (0.0, 0.9):
        (part,) = of(LR_BS(momentum), Flat(points(5))).at_equal_amount(where)
        assert all(run.steps is None for run in part.runs(where))


def test_recipes_are_matched_with_each_other_at_the_largest_batch_size_alone() -> None:
    """LR/BS takes steps of 0.16 there: 337.5 of them make 54. Against LR and Benchmark it is the same checkpoint."""
    where, found = under(PAPER), set()
    for other in (LR(), BENCHMARK):
        against = case(Curve(M1_MNIST, LR_BS(), LAMBDA1), Curve(M1_MNIST, other, LAMBDA1), holds_if=Lower(factor(2)))
        ratio, fixed = steps(against, where)
        assert fixed == {1024: 5400}
        found.add(ratio[1024])
    assert found <= {337, 338}
    assert len(found) == 1
    alone = case(Curve(M1_MNIST, LR_BS(), LAMBDA1), holds_if=Lower(factor(2)))
    (part,) = alone.at_equal_amount(where)
    assert part.amounts == (864,)  # 860 at batch size 64


def test_recipes_that_are_compared_cell_by_cell_are_matched_with_each_other_at_each_batch_size() -> None:
    """Momentum 0.9 makes every step ten times as large, so it is read after a tenth of the steps."""
    where = under(PAPER)
    whole = {64: 86_000, 128: 43_000, 256: 21_500, 512: 10_800, 1024: 5400}
    momenta = [Curve(M1_MNIST, LR(m), LAMBDA1) for m in (0.0, 0.5, 0.9)]
    found = steps(case(*momenta, holds_if=Mostly("lower")), where)
    assert found == [{size: round(share * count) for size, count in whole.items()} for share in (1, 0.5, 0.1)]
    # both pairs at the T of LR without momentum, steps of LR/BS being batch size / 64 times as large
    pairs = [Curve(M1_MNIST, recipe(m), FGSM) for recipe in (LR_BS, LR) for m in (0.0, 0.9)]
    ratio, ratio_9, fixed, fixed_9 = steps(case(*pairs, holds_if=SmallerChange(points(1))), where)
    assert (fixed, fixed_9) == (whole, {size: count // 10 for size, count in whole.items()})
    assert (ratio[64], ratio_9[64], ratio[256]) == (86_000, 8600, 5375)
    assert ratio_9[256] in (537, 538)


def test_claims_on_the_same_momenta_share_the_states_that_are_compared() -> None:
    where = under(PAPER)
    momenta = [Curve(M1_MNIST, LR(m), FGSM) for m in (0.0, 0.2, 0.5, 0.9)]
    several, two = case(*momenta, holds_if=Mostly("higher")), case(momenta[0], momenta[-1], holds_if=Same(points(5)))
    assert set(two.runs(where)) < set(several.runs(where))


def test_several_recipes_are_each_matched_within_themselves(tmp_path: Path) -> None:
    curves = [Curve(M1_MNIST, recipe, measure) for recipe in (LR(), BENCHMARK) for measure in (FGSM, LAMBDA1)]
    exists = case(*curves, holds_if=Exists(points(1), factor(1.25)))
    assert steps(exists, HERE) == [dict.fromkeys((64, 128, 256), 8)] * 4
    assert verdict(tmp_path, exists, lambda _: {})[1].entry.amount == "T = 0.08 to 0.8, equal within each recipe"


def test_a_run_that_is_within_five_in_a_hundred_is_read_at_its_end() -> None:
    """Batches of one image more are as few as one fewer: the last batch of an epoch was small."""
    near = replace(HERE, regime=HERE.regime.overridden(batch_sizes=(64, 65), train_images=1040, epochs=10))
    runs = [near.run(M1_MNIST, LR(), size, 0) for size in (64, 65)]
    assert runs[1].amount < runs[0].amount  # 17 and 16 steps an epoch: six in a hundred
    (part,) = of(LR(), Drops(points(1))).at_equal_amount(near)
    assert [run.last_step for run in part.runs(near) if run.seed == 0] == [160, 160]
    nearer = replace(HERE, regime=HERE.regime.overridden(batch_sizes=(32, 33), train_images=1040, epochs=10))
    (part,) = of(LR(), Drops(points(1))).at_equal_amount(nearer)
    assert [run.last_step for run in part.runs(nearer) if run.seed == 0] == [330, 320]  # three in a hundred


# --- what becomes of claims ---


def grows_with_training(run: Run) -> dict[str, float]:
    """A world in which "large batch" is only "trained less": everything is a function of T alone."""
    doublings = math.log2(run.amount / 0.08)
    return {"fgsm_accuracy": 0.4 + 0.05 * doublings, "lambda1": 10 * 1.5**-doublings}


def falls_with_training(run: Run) -> dict[str, float]:
    return {"fgsm_accuracy": 0.8 - 0.05 * math.log2(run.amount / 0.08)}


def follows_batch_size(run: Run) -> dict[str, float]:
    """A world in which batch size matters, and training does not."""
    doublings = math.log2(run.batch_size / 64)
    drop = -1 if is_of(run, LR()) and not is_of(run, LR_BS()) else 1
    curvature = 10.0 if recipe_of(run) == LR_BS() else 10 * 1.5**doublings
    return {"fgsm_accuracy": 0.6 - drop * 0.05 * doublings, "lambda1": curvature}


@pytest.mark.parametrize(
    ("claimed", "trained_less"),
    [(DROPS, grows_with_training), (RISES, falls_with_training), (FLATTER, grows_with_training)],
    ids=["drops", "rises", "flatter"],
)
def test_a_trend_that_is_only_less_training_is_gone_at_equal_amount(
    tmp_path: Path, claimed: Case, trained_less: Results
) -> None:
    found, matched = verdict(tmp_path, claimed, trained_less)
    assert found.decision.outcome is Outcome.HOLDS
    assert matched.decision.outcome is Outcome.FAILS
    assert matched.entry.trained_less
    assert (found.word, matched.entry.verdict) == ("trend seen", "trend not seen")


def test_a_schedule_that_decays_is_compressed_and_evidence_and_report_say_so(tmp_path: Path) -> None:
    """A world in which all comes of how far the rate has fallen: nothing is left where all have been annealed."""

    def annealed(run: Run) -> dict[str, float]:
        last = run.settings.learning_rate_at(run.last_step - 1, run.steps_per_epoch)
        return {"fgsm_accuracy": 0.8 if last < 0.01 else 0.4}

    longer = replace(HERE, regime=HERE.regime.overridden(epochs=10))
    found, matched = verdict(tmp_path, DROPS, annealed, longer)
    assert found.decision.estimate == matched.decision.estimate == pytest.approx(0, abs=1e-9)
    assert matched.entry.amount == "T = 3"
    assert matched.entry.trained_less
    assert matched.entry.notes == ("Benchmark: trained anew, with its schedule of learning rates compressed",)
    assert f"    note: {matched.entry.notes[0]}\n" in found.evidence


HELPS = case(*(Curve(M1_MNIST, LR(m), FGSM) for m in (0.0, 0.9)), holds_if=HigherOnAverage(points(1)))


def test_a_momentum_that_only_trains_more_makes_no_difference_at_equal_amount(tmp_path: Path) -> None:
    longer = replace(HERE, regime=HERE.regime.overridden(epochs=10))
    found, matched = verdict(tmp_path, HELPS, grows_with_training, longer)
    assert found.decision.outcome is Outcome.HOLDS
    assert matched.decision.outcome is Outcome.FAILS
    assert matched.entry.amount == "T = 0.4 to 1.6, equal at each batch size"
    assert matched.entry.trained_less
    assert matched.entry.estimate == pytest.approx(0, abs=1e-9)


def test_a_momentum_that_helps_by_itself_helps_at_equal_amount(tmp_path: Path) -> None:
    found, matched = verdict(tmp_path, HELPS, lambda run: {"fgsm_accuracy": 0.5 + run.sgd.momentum / 9})
    assert found.decision.outcome is matched.decision.outcome is Outcome.HOLDS
    assert matched.decision.estimate == pytest.approx(found.decision.estimate)


@pytest.mark.parametrize("claimed", [DROPS, RISES, FLATTER], ids=["drops", "rises", "flatter"])
def test_a_trend_of_batch_size_itself_is_kept_at_equal_amount(tmp_path: Path, claimed: Case) -> None:
    found, matched = verdict(tmp_path, claimed, follows_batch_size)
    assert matched.entry.trained_less
    assert found.decision.outcome is matched.decision.outcome is Outcome.HOLDS
    assert matched.decision.estimate == pytest.approx(found.decision.estimate)


def test_the_evidence_shows_both_decisions_and_what_they_rest_on(tmp_path: Path) -> None:
    found, _ = verdict(tmp_path, DROPS, grows_with_training)
    first, _, second = found.evidence.partition("  at equal training amount ")
    assert second.startswith("(T = 0.8): trend not seen, +0.0 points [+0.0, +0.0]\n")
    rows = [[line.split() for line in text.splitlines()] for text in (first, second)]
    # batch size, mean, sd, training accuracy, steps, T
    cells = [[(row[0], row[1], row[4], row[5]) for row in text if row and row[0].isdigit()] for text in rows]
    assert cells == [
        [("64", "66.6%", "32", "3.20"), ("128", "61.6%", "16", "1.60"), ("256", "56.6%", "8", "0.80")],
        [("64", "56.6%", "8", "0.80"), ("128", "56.6%", "8", "0.80"), ("256", "56.6%", "8", "0.80")],
    ]


def test_the_entry_has_both_decisions_as_plain_json(tmp_path: Path) -> None:
    found, _ = verdict(tmp_path, DROPS, grows_with_training)
    entry = json.loads(json_of(found.entry()))
    assert (entry["verdict"], entry["outcome"]) == ("trend seen", "holds")
    (curve,) = entry["equal_amount"].pop("curves")
    assert [(point["batch_size"], point["steps"], point["amount"]) for point in curve["points"]] == [
        (64, 8, pytest.approx(0.8)),
        (128, 8, pytest.approx(0.8)),
        (256, 8, pytest.approx(0.8)),
    ]
    assert entry["equal_amount"] == {
        "amount": "T = 0.8",
        "verdict": "trend not seen",
        "outcome": "fails",
        "shown": "+0.0 points [+0.0, +0.0]",
        "estimate": pytest.approx(0, abs=1e-9),
        "interval": [pytest.approx(-HALF_AN_IMAGE, rel=1e-3), pytest.approx(HALF_AN_IMAGE, rel=1e-3)],
        "trained_less": True,
        "notes": [],
    }


@pytest.mark.parametrize("outcome", [Outcome.HOLDS, Outcome.FAILS])
def test_a_claim_whose_runs_all_came_to_the_same_amount_is_told_so_and_decided_the_same(
    tmp_path: Path, outcome: Outcome
) -> None:
    slope = 0.0 if outcome is Outcome.HOLDS else 0.1
    found, matched = verdict(
        tmp_path, FLAT, lambda run: {"fgsm_accuracy": 0.8 - slope * math.log2(run.batch_size / 64)}
    )
    assert found.decision.outcome is outcome
    assert matched.decision == found.decision
    assert matched.curves == found.curves
    assert not matched.entry.trained_less
    assert found.evidence.endswith(
        "\n  at equal training amount (T = 0.32): the same, since every cell had come to that"
    )


def test_a_run_that_diverged_may_have_been_sound_at_the_amount_that_is_compared(tmp_path: Path) -> None:
    """It had no eigenvalue at its end."""

    def diverged_at_its_end(run: Run) -> dict[str, float] | None:
        return None if run.batch_size == 64 and run.steps is None else {"lambda1": 0.1 * run.batch_size}

    found, matched = verdict(tmp_path, of(BENCHMARK, Rises(factor(1.25)), LAMBDA1), diverged_at_its_end)
    assert found.inconclusive
    assert "3 diverged" in found.effect
    assert matched.decision.outcome is Outcome.HOLDS
    assert f"{matched.entry.amount}): trend seen" in found.evidence


def test_a_checkpoint_that_is_not_stored_is_an_error_that_names_it(tmp_path: Path) -> None:
    store = fill(Store(tmp_path), DROPS.curves[0].runs(HERE), reading=HERE.reading(M1_MNIST))
    with pytest.raises(ReproError, match=r"batch size 64 seed 0 to step 8 \(\w+\) is not in"):
        judge(DROPS, store, HERE)


def test_recipes_can_be_compared_at_one_batch_size_and_trends_cannot(tmp_path: Path) -> None:
    one = conditions(batch_sizes=(256,))
    found, matched = verdict(tmp_path, FLATTER, follows_batch_size, one)
    assert found.decision.outcome is matched.decision.outcome is Outcome.HOLDS
    found, matched = verdict(tmp_path, DROPS, follows_batch_size, one)
    assert found.inconclusive
    assert matched.decision.reason == found.effect == "one batch size (256) shows no trend"
