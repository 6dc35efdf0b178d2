"""Which runs are set against each other at the same training amount T."""

from dataclasses import replace
from pathlib import Path

import pytest
from matched import EVERY, HERE, case, of, verdict
from worlds import fill, under

from repro.experiment.recipes import BENCHMARK, LR, LR_BS, Recipe
from repro.experiment.regimes import PAPER, QUICK, Regime
from repro.experiment.tasks import M1_MNIST
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.science.data.sources import Kind
from repro.statistics.equivalence import Flat, Same
from repro.statistics.estimands import Compares
from repro.statistics.joint import Exists
from repro.statistics.pairs import Mostly, SmallerChange
from repro.statistics.ranks import RanksDisagree
from repro.statistics.trends import Drops, Lower
from repro.statistics.units import factor, points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, Curve
from repro.verdicts.deciding import judge


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
    compared = [one for one in EVERY if one.holds_if.compares is not Compares.NEITHER]
    for group in (group for one in compared for group in rivals(one, where)):
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
