from paper_tables import COLUMNS, MOMENTA_OF_LR, MOMENTA_OF_RATIO, PLACES, SETTINGS

from repro.verdicts.figures import FIGURES, Figure


def lines(number: int) -> set[tuple[str, str, str]]:
    """Task, recipe and measure of every line of a figure, in words."""
    return {(str(c.task), str(c.recipe), str(c.measure)) for c in FIGURES[number].curves}


def test_there_are_39_figures_in_the_papers_order() -> None:
    assert list(FIGURES) == list(range(1, 40))
    assert [figure.number for figure in FIGURES.values()] == list(range(1, 40))


def test_every_figure_shows_what_the_papers_table_says() -> None:
    expected: dict[int, set[tuple[str, str, str]]] = {number: set() for number in range(1, 40)}
    for recipes, tasks in PLACES.items():
        for task, places in tasks.items():
            for measure, column in COLUMNS.items():
                drawn = (measure,) if measure == "lambda1" else (measure, "test accuracy")
                expected[places[column]] |= {(task, recipe, m) for recipe in recipes for m in drawn}
    assert {number: lines(number) for number in FIGURES} == expected


def test_34_lines_are_behind_the_figures() -> None:
    drawn = {(c.task, c.recipe) for figure in FIGURES.values() for c in figure.curves}
    assert len(drawn) == 34
    assert len({c for figure in FIGURES.values() for c in figure.curves}) == 34 * 4


def panels(figure: Figure) -> list[tuple[str, tuple[str, ...], str]]:
    return [(str(p.task), tuple(map(str, p.recipes)), str(p.measure)) for p in figure.panels]


def test_figures_of_two_tasks_have_two_panels_and_every_other_one() -> None:
    assert {number for number, figure in FIGURES.items() if len(figure.panels) != 1} == {13, 26, 35}
    for number, recipes in ((13, SETTINGS), (26, MOMENTA_OF_LR), (35, MOMENTA_OF_RATIO)):
        assert panels(FIGURES[number]) == [("M1-MNIST", recipes, "lambda1"), ("StdCNN-MNIST", recipes, "lambda1")]


def test_figure_11_is_one_task_clean_and_under_fgsm() -> None:
    assert panels(FIGURES[11]) == [("StdCNN-MNIST", SETTINGS, "FGSM accuracy")]


def test_figure_25_is_pgd_whatever_its_caption_says() -> None:
    assert panels(FIGURES[25]) == [("StdCNN-MNIST", MOMENTA_OF_LR, "PGD accuracy")]
    assert panels(FIGURES[24]) == [("StdCNN-MNIST", MOMENTA_OF_LR, "FGSM accuracy")]
