from dataclasses import replace
from pathlib import Path

import matplotlib
import pytest
from drawn import WHERE, axes_of, hollow_at_256, lines, stored
from matplotlib import image
from matplotlib import pyplot as plt
from worlds import conditions, fill, under

from repro.experiment.recipes import BENCHMARK, LR, LR_BS
from repro.experiment.regimes import PAPER
from repro.experiment.tasks import M1_MNIST
from repro.experiment.trained_as import HE, UNSTANDARDISED
from repro.report.drawing.figures import composed, draw
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.verdicts.curves import LAMBDA1, Curve
from repro.verdicts.figures import FIGURES


@pytest.mark.parametrize(("number", "columns"), [(9, 1), (2, 1), (11, 2), (13, 2), (5, 1), (35, 2)])
def test_a_figure_is_a_png_with_room_for_its_axes(tmp_path: Path, number: int, columns: int) -> None:
    picture = draw(FIGURES[number], stored(tmp_path / "store", FIGURES[number]), WHERE, tmp_path)
    assert picture.number == number
    assert picture.path == tmp_path / f"fig{number:02d}.png"
    pixels = image.imread(picture.path)
    assert pixels.shape[:2] == (round(4.9 * 110), round((0.4 + 5.6 * columns) * 110))
    assert pixels[..., :3].std() > 0.05  # something is drawn
    assert plt.get_fignums() == []


def test_a_figure_looks_the_same_whatever_the_users_settings_are_and_leaves_them(tmp_path: Path) -> None:
    store, folders = stored(tmp_path / "store", FIGURES[13], hollow_at_256), [tmp_path / name for name in "ab"]
    own = {"font.size": 19.0, "axes.facecolor": "black", "savefig.bbox": "tight", "figure.constrained_layout.use": True}
    for folder, settings in zip(folders, ({}, own), strict=True):
        folder.mkdir()
        with matplotlib.rc_context(settings):
            draw(FIGURES[13], store, WHERE, folder)
            assert {name: matplotlib.rcParams[name] for name in settings} == settings
    one, other = ((folder / "fig13.png").read_bytes() for folder in folders)
    assert one == other


@pytest.mark.parametrize(
    ("number", "labels"),
    [
        (9, [["FGSM LR m=0", "FGSM LR/BS m=0", "FGSM Benchmark", "LR m=0", "LR/BS m=0", "Benchmark"]]),
        (10, [["PGD LR m=0", "PGD LR/BS m=0", "PGD Benchmark", "LR m=0", "LR/BS m=0", "Benchmark"]]),
        (11, [["LR m=0", "LR/BS m=0", "Benchmark"], ["FGSM LR m=0", "FGSM LR/BS m=0", "FGSM Benchmark"]]),
        (13, [["LR m=0", "LR/BS m=0", "Benchmark"]] * 2),
        (26, [["LR m=0", "LR m=0.2", "LR m=0.5", "LR m=0.9"]] * 2),
    ],
)
def test_every_axes_has_its_lines(tmp_path: Path, number: int, labels: list[list[str]]) -> None:
    axes = axes_of(FIGURES[number], stored(tmp_path, FIGURES[number]))
    assert [list(lines(ax)) for ax in axes] == labels


def test_two_tasks_under_one_number_are_titled_by_their_tasks(tmp_path: Path) -> None:
    axes = axes_of(FIGURES[13], stored(tmp_path, FIGURES[13]))
    assert [ax.get_title() for ax in axes] == ["M1-MNIST", "StdCNN-MNIST"]
    assert [ax.get_yscale() for ax in axes] == ["log", "log"]


def test_figure_11_has_clean_and_attacked_accuracy_apart(tmp_path: Path) -> None:
    axes = axes_of(FIGURES[11], stored(tmp_path, FIGURES[11]))
    assert [ax.get_ylabel() for ax in axes] == ["test accuracy [%]", "FGSM accuracy [%]"]
    assert [ax.get_ylim() for ax in axes] == [(0, 100), (0, 100)]


def test_a_figures_caption_names_the_cells_of_all_its_axes_and_their_task_where_there_are_two(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float] | None:
        return None if run.batch_size == 256 and run.sgd.momentum == 0.9 else hollow_at_256(run)

    def written(number: int) -> str:
        return draw(FIGURES[number], stored(tmp_path / f"{number}", FIGURES[number], results), WHERE, tmp_path).caption

    assert written(35).endswith(
        "Undertrained (hollow): M1-MNIST LR/BS m=0 at 256 (60% of its training data); "
        "StdCNN-MNIST LR/BS m=0 at 256 (60% of its training data). "
        "Diverged (a cross, on the edge where no seed has a value): M1-MNIST LR/BS m=0.9 at 256 (2 of 2 seeds); "
        "StdCNN-MNIST LR/BS m=0.9 at 256 (2 of 2 seeds)."
    )
    assert written(7).endswith(
        "Undertrained (hollow): LR/BS m=0 at 256 (60% of its training data). "
        "Diverged (a cross, on the edge where no seed has a value): LR/BS m=0.9 at 256 (2 of 2 seeds)."
    )


def test_only_what_is_stored_whole_is_drawn(tmp_path: Path) -> None:
    whole, part = (Curve(M1_MNIST, recipe, LAMBDA1).runs(WHERE) for recipe in (LR(), LR_BS()))
    first, second = axes_of(FIGURES[13], fill(Store(tmp_path), [*whole, *part[:-1]]))
    assert list(lines(first)) == ["LR m=0"]
    assert [text.get_text() for text in first.texts] == []
    assert list(lines(second)) == []
    assert [text.get_text() for text in second.texts] == ["not part of this session"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (under(PAPER), "at the paper's scale"),
        (under(PAPER.overridden(epochs=3)), "paper, changed by options regime (reduced)"),
        (conditions(), "quick regime (reduced)"),
        (conditions(data="surrogate"), "quick regime (reduced), SURROGATE DATA"),
        (replace(under(PAPER), precision="tf32"), "at the paper's scale, trained in tf32"),
        (replace(under(PAPER), trained_as=(HE,)), "at the paper's scale, trained with he-initialisation"),
        (
            replace(conditions(data="surrogate"), trained_as=(HE, UNSTANDARDISED)),
            "quick regime (reduced), trained with he-initialisation and unstandardised-input, SURROGATE DATA",
        ),
    ],
)
def test_the_scale_and_the_surrogate_stand_on_the_figure_itself(
    tmp_path: Path, where: Conditions, expected: str
) -> None:
    canvas, _ = composed(FIGURES[9], Store(tmp_path), where)
    assert " ".join(canvas.get_suptitle().split()) == f"Our figure 9, {expected}"


@pytest.mark.parametrize(
    ("width", "expected"), [(4, "ResNet18-CIFAR10, width 4 instead of 64"), (64, "ResNet18-CIFAR10")]
)
def test_a_network_of_another_width_than_the_papers_is_named_so_above_its_axes(
    tmp_path: Path, width: int, expected: str
) -> None:
    where = under(WHERE.regime.overridden(width=width))
    titles = [axes_of(FIGURES[number], Store(tmp_path), where)[0].get_title() for number in (15, 17, 1)]
    assert titles == [expected, expected, "C1-CIFAR10"]  # width is ResNet18's alone


def test_a_line_whose_verdict_took_further_seeds_is_drawn_with_all_of_them(tmp_path: Path) -> None:
    adding = replace(WHERE, until_decided=5)  # looks at 2, 3 and 5 seeds
    more, most = (adding.with_seeds(seeds) for seeds in (3, 5))
    one, other, third = (Curve(M1_MNIST, recipe, LAMBDA1) for recipe in (LR(), LR_BS(), BENCHMARK))
    store = fill(
        Store(tmp_path), one.runs(most) + other.runs(most) + third.runs(WHERE), lambda r: {"lambda1": 2.0**r.seed}
    )
    # verdicts rest on three seeds of LR and on two of LR/BS, whose others are left from another session
    decided = {run.key for run in one.runs(more) + other.runs(adding)}
    canvas, notes = composed(FIGURES[13], store, adding, decided)
    heights = {label: line.get_ydata() for label, line in lines(canvas.axes[0]).items()}
    assert heights["LR m=0"] == pytest.approx([2.0] * 3)  # the geometric mean of 1, 2 and 4
    assert heights["LR/BS m=0"] == pytest.approx([2**0.5] * 3)
    assert heights["Benchmark"] == pytest.approx([2**0.5] * 3)  # stored, and no verdict's
    assert notes.seeds == {"M1-MNIST": {2, 3}}
    written = draw(FIGURES[13], store, adding, tmp_path, decided).caption
    assert "lambda1 of M1-MNIST (1,024 training images, 2 epochs, 2 to 3 seeds)" in written
