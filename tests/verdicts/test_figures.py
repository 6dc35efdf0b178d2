import pytest
from paper_tables import numbers

from repro.experiment.recipes import BENCHMARK, LR, LR_BS, Recipe
from repro.experiment.tasks import C1_CIFAR10, M1_FASHION, M1_MNIST, RESNET18_CIFAR10, STDCNN_MNIST, TASKS, Task
from repro.verdicts.curves import FGSM, LAMBDA1, MEASURES, PGD, TEST_ACCURACY, Curve, Measure
from repro.verdicts.figures import FIGURES, MOMENTA_OF_LR, MOMENTA_OF_RATIO, SETTINGS, Panel, showing


@pytest.mark.parametrize("measure", MEASURES.values(), ids=str)
@pytest.mark.parametrize("task", TASKS.values(), ids=str)
def test_a_curve_is_found_in_the_figures_of_the_papers_table(task: Task, measure: Measure) -> None:
    curve = Curve(task, LR(), measure)
    assert set(showing([curve])) == numbers(str(task), ("LR m=0", "LR/BS m=0", "Benchmark"), str(measure))


@pytest.mark.parametrize(
    ("curves", "lines", "expected"),
    [
        ([Curve(M1_MNIST, LR(), FGSM)], [MOMENTA_OF_LR], [22]),
        ([Curve(M1_MNIST, LR_BS(), PGD)], [MOMENTA_OF_RATIO], [32]),
        ([Curve(C1_CIFAR10, LR_BS(0.9), TEST_ACCURACY)], [MOMENTA_OF_RATIO], [7, 36]),
        ([Curve(M1_MNIST, LR(), LAMBDA1), Curve(C1_CIFAR10, LR(), LAMBDA1)], [SETTINGS], [2, 13]),
        ([Curve(M1_MNIST, LR(), LAMBDA1), Curve(STDCNN_MNIST, LR(), LAMBDA1)], [SETTINGS], [13]),
        ([Curve(RESNET18_CIFAR10, LR(), FGSM), Curve(RESNET18_CIFAR10, LR(), LAMBDA1)], [SETTINGS], [15, 17]),
        ([Curve(M1_MNIST, LR(), FGSM)], [SETTINGS, MOMENTA_OF_LR, MOMENTA_OF_RATIO], [9, 22]),
        ([Curve(M1_MNIST, LR(), FGSM)], [], []),
        ([Curve(M1_MNIST, BENCHMARK, FGSM)], [MOMENTA_OF_LR], []),  # Benchmark is no line of theirs
        ([Curve(M1_FASHION, LR(), FGSM)], [MOMENTA_OF_LR], []),  # nor is Fashion-MNIST in them
        ([Curve(M1_MNIST, LR(0.9), FGSM)], [SETTINGS], []),
        ([], [SETTINGS], []),
    ],
)
def test_figures_are_those_with_the_asked_lines_in_the_papers_order(
    curves: list[Curve], lines: list[tuple[Recipe, ...]], expected: list[int]
) -> None:
    assert showing(curves, lines) == expected


def test_a_panel_of_attacked_accuracy_shows_the_clean_one_last() -> None:
    panel = Panel(M1_MNIST, (LR(), BENCHMARK), PGD)
    assert [(c.recipe, c.measure) for c in panel.curves] == [
        (LR(), PGD),
        (BENCHMARK, PGD),
        (LR(), TEST_ACCURACY),
        (BENCHMARK, TEST_ACCURACY),
    ]


@pytest.mark.parametrize("measure", [LAMBDA1, TEST_ACCURACY], ids=str)
def test_a_panel_of_any_other_measure_shows_that_alone(measure: Measure) -> None:
    assert Panel(M1_MNIST, (LR(),), measure).curves == (Curve(M1_MNIST, LR(), measure),)


def test_names_sort_as_the_numbers_do() -> None:
    names = [figure.name for figure in FIGURES.values()]
    assert names[:2] == ["fig01", "fig02"]
    assert names == sorted(names)
