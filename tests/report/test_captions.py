from dataclasses import replace

import pytest
from worlds import conditions, under

from repro.experiment.recipes import LR
from repro.experiment.regimes import PAPER
from repro.experiment.tasks import M1_MNIST
from repro.experiment.trained_as import HE
from repro.report.drawing.captions import Notes, caption, heading, scale_words
from repro.runs.conditions import Conditions
from repro.verdicts.curves import TEST_ACCURACY
from repro.verdicts.figures import FIGURES, Figure, Panel

WHERE = conditions(seeds=2)


def written(figure: Figure, where: Conditions = WHERE, notes: Notes | None = None) -> str:
    return caption(figure, where, notes or Notes())


def test_captions_say_what_is_shown_at_what_scale() -> None:
    assert written(FIGURES[9]) == (
        "Drawn for the paper's figure 9: FGSM accuracy of M1-MNIST (1,024 training images, 2 epochs, 2 seeds, epsilon "
        "0.3 in standardised units, 0.0924 of a pixel's range). Lines are means. Attacked accuracy is dashed. Clean "
        "accuracy is of 512 images and attacked accuracy of the first 64 of them, so the latter can be the higher one."
    )
    assert written(FIGURES[13]) == (
        "Drawn for the paper's figure 13: lambda1 of M1-MNIST (1,024 training images, 2 epochs, 2 seeds); "
        "lambda1 of StdCNN-MNIST (1,024 training images, 2 epochs, 2 seeds). "
        "Lines are geometric means."
    )
    paper = Conditions(PAPER, WHERE.sources, "cuda")
    assert "(all training images, 100 epochs, 5 seeds, epsilon 0.02 of a pixel's range)" in written(FIGURES[1], paper)


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({2}, "Lines are means, dots single seeds."),
        ({4}, "Lines are means, bars their range."),
        ({1}, "Lines are means."),
    ],
)
def test_what_shows_the_spread_depends_on_how_many_seeds_there_are(counts: set[int], says: str) -> None:
    assert says in written(FIGURES[9], notes=Notes(seeds={"M1-MNIST": counts}))


def test_of_a_figure_without_attacks_nothing_is_said_of_attacks() -> None:
    clean = Figure(102, (Panel(M1_MNIST, (LR(),), TEST_ACCURACY),), title="Ours")
    assert written(clean).endswith("2 seeds). Lines are means.")


def test_where_the_same_images_are_attacked_nothing_is_said_of_others() -> None:
    paper = Conditions(PAPER, WHERE.sources, "cuda")
    assert "images and attacked" not in written(FIGURES[9], paper)


def test_many_cells_are_counted_and_few_named() -> None:
    few, many = ([f"LR at {i}" for i in range(n)] for n in (4, 5))
    assert written(FIGURES[10], notes=Notes(few)).endswith("(hollow): LR at 0; LR at 1; LR at 2; LR at 3.")
    assert written(FIGURES[10], notes=Notes(many)).endswith("Undertrained (hollow): 5 cells.")


def test_one_of_a_kind_is_in_the_singular() -> None:
    where = under(WHERE.regime.overridden(seeds=1, epochs=1, train_images=1))
    assert "(1 training image, 1 epoch, 1 seed)" in written(FIGURES[2], where)


@pytest.mark.parametrize("number", [15, 16, 17, 28, 29, 30, 37, 38, 39])
def test_a_network_of_another_width_than_the_papers_is_named_so(number: int) -> None:
    narrow = under(WHERE.regime.overridden(width=4))
    assert "ResNet18-CIFAR10 (width 4 instead of 64, 1,024 training images" in written(FIGURES[number], narrow)
    assert "width" not in written(FIGURES[number])
    assert "width" not in written(FIGURES[9], narrow)  # M1 has none


def test_an_anchor_other_than_the_papers_is_told() -> None:
    anchored = under(WHERE.regime.overridden(anchor=16))
    assert "M1-MNIST (LR and LR/BS one at 16 instead of 64, 1,024 training images" in written(FIGURES[9], anchored)
    assert "LR/BS" not in written(FIGURES[9])


def test_captions_name_each_cell_that_needs_care_once() -> None:
    notes = Notes(["LR m=0 at 256 (60% of its training data)"] * 2, ["LR m=0.9 at 256 (1 of 2 seeds)"] * 2)
    assert written(FIGURES[10], notes=notes).endswith(
        "higher one. Undertrained (hollow): LR m=0 at 256 (60% of its training data). "
        "Diverged (a cross): LR m=0.9 at 256 (1 of 2 seeds)."
    )


def test_a_cross_on_the_edge_is_explained_where_there_is_one() -> None:
    notes = Notes(diverged=["LR m=0.9 at 256 (2 of 2 seeds)"])
    notes.at_edge[256] += 1
    expected = "Diverged (a cross, on the edge where no seed has a value): LR m=0.9 at 256 (2 of 2 seeds)."
    assert notes.sentences() == [expected]
    whole = Notes()
    whole.add(notes)
    assert whole.sentences() == [expected]


def test_in_a_figure_of_two_tasks_a_note_names_its_task() -> None:
    here, whole = Notes(["LR m=0 at 256 (60% of its training data)"], missing=["LR m=0 at 64 (1 of 2 seeds)"]), Notes()
    for task in ("M1-MNIST", "StdCNN-MNIST"):
        whole.add(here, task)
    assert whole.undertrained == [f"{t} LR m=0 at 256 (60% of its training data)" for t in ("M1-MNIST", "StdCNN-MNIST")]
    assert whole.missing == ["M1-MNIST LR m=0 at 64 (1 of 2 seeds)", "StdCNN-MNIST LR m=0 at 64 (1 of 2 seeds)"]


PAPERS = replace(WHERE, regime=PAPER)


@pytest.mark.parametrize(
    ("where", "surrogate", "expected"),
    [
        (PAPERS, False, "at the paper's scale"),
        (WHERE, False, "quick regime (reduced)"),
        (WHERE, True, "quick regime (reduced), SURROGATE DATA"),
        (replace(PAPERS, trained_as=(HE,)), False, "at the paper's scale, trained with he-initialisation"),
        (
            replace(PAPERS, trained_as=(HE,), precision="bfloat16"),
            True,
            "at the paper's scale, trained with he-initialisation, trained in bfloat16, SURROGATE DATA",
        ),
    ],
)
def test_headings_carry_the_scale_the_departures_and_the_surrogate(
    where: Conditions, surrogate: bool, expected: str
) -> None:
    assert scale_words(where, papers=where.regime is PAPER, surrogate=surrogate) == expected


def test_a_figure_is_headed_by_its_number_and_the_scale_of_its_tasks() -> None:
    assert heading(FIGURES[9], PAPERS) == "Our figure 9, at the paper's scale"
    mixed = replace(PAPERS, regime=replace(PAPER, scales={**PAPER.scales, "M1-MNIST": WHERE.regime.scales["M1-MNIST"]}))
    assert heading(FIGURES[9], mixed) == "Our figure 9, paper, changed by options regime (reduced)"
    assert heading(FIGURES[1], mixed) == "Our figure 1, at the paper's scale"
