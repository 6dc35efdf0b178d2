"""A report in a notebook: its numbers, figures and networks. The published report has networks that were trained."""

import importlib.util
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from reports import content, written
from worlds import case_of, conditions

import repro
from repro.errors import ReproError, SettingError
from repro.experiment.recipes import LR_BS, SGD, Recipe
from repro.experiment.tasks import M1_MNIST
from repro.report.opened import Opened
from repro.statistics.trends import Drops
from repro.statistics.units import points
from repro.verdicts.curves import FGSM, Curve

PUBLISHED = Path(__file__).parents[2] / "artifacts" / "published"


@pytest.fixture(scope="module")
def report() -> Any:
    return repro.load(PUBLISHED)


def records(found: Any) -> list[dict[str, Any]]:
    """The rows of a table, whether it is a frame of pandas or a list."""
    return found if isinstance(found, list) else found.to_dict("records")


def test_every_verdict_is_a_row(report: Any) -> None:
    rows = records(report.verdicts())
    assert [row["verdict"] for row in rows] == [claim.verdict for claim in report.claims]
    assert [(row["claim"], row["case"]) for row in rows] == [(e.id, e.case) for e in report.loaded.report.claims]
    assert all(row["low"] <= row["estimate"] <= row["high"] for row in rows)


def test_every_run_behind_a_curve_is_a_row_with_its_measures(report: Any) -> None:
    rows = records(report.curves())
    assert {row["run"] for row in rows} == {run for entry in report.loaded.report.claims for run in entry.runs}
    assert {(row["recipe"], row["batch_size"], row["seed"]) for row in rows} == {
        (recipe, size, seed)
        for recipe in ("LR", "LR/BS", "Benchmark")
        for size in (64, 128, 256, 512, 1024)
        for seed in range(3)
    }
    assert all(0 <= row["pgd_accuracy"] <= row["test_accuracy"] <= 1 < row["lambda1"] for row in rows)


def test_tables_are_what_is_installed(report: Any) -> None:
    """Frames of the real pandas where there is one, which CI installs: a column for each name, with numbers in it."""
    tables = [report.verdicts(), report.curves()]
    if importlib.util.find_spec("pandas") is None:
        assert [type(table) for table in tables] == [list, list]
        return
    import pandas

    verdicts, curves = tables
    assert verdicts.shape == (len(report.claims), 18)
    assert [*curves.columns] == [*report.rows()[0]]
    assert curves.to_dict("records") == report.rows()
    assert all(pandas.api.types.is_numeric_dtype(curves[name]) for name in ("batch_size", "lambda1", "pgd_accuracy"))


def test_where_there_is_a_pandas_the_rows_are_its_frame(report: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Frame(list[dict[str, Any]]):
        def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
            super().__init__(rows)

    pandas = ModuleType("pandas")
    pandas.DataFrame = Frame  # type: ignore[attr-defined]
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    plain = report.verdicts()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    assert isinstance(report.verdicts(), Frame)
    assert [*report.verdicts()] == plain


def test_a_figure_is_one_of_matplotlib(report: Any) -> None:
    (axes, *_) = report.figure(4).axes
    assert len(axes.lines) >= 1
    with pytest.raises(SettingError, match=r"figure 99: there is none; must be one of 1 to 39"):
        report.figure(99)


def test_a_network_is_trained_and_comes_with_its_measures(report: Any) -> None:
    found = report.network("StdCNN-FashionMNIST", "LR", 64, seed=1)
    assert repr(found) == f"<{found.run}: 86,000 steps, .model, .record, .measures>"
    assert (found.run.batch_size, found.run.seed, found.record["steps"]) == (64, 1, 86_000)
    assert found.measures["test_accuracy"] == pytest.approx(0.9, abs=0.02)
    with torch.no_grad():
        logits = found.model(torch.rand(2, 1, 28, 28))
    assert logits.shape == (2, 10)
    assert not found.model.training
    same = report.network("StdCNN-FashionMNIST", repro.LR(), 64, seed=1)
    assert all(map(torch.equal, found.model.state_dict().values(), same.model.state_dict().values()))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("StdCNN-FashionMINST", "LR", 64), "task StdCNN-FashionMINST: .*; did you mean StdCNN-FashionMNIST?"),
        (
            ("StdCNN-FashionMNIST", "LR m=0.", 64),
            "recipe LR m=0.: of .* the report has LR m=0, LR/BS m=0, Benchmark; did",
        ),
        (("StdCNN-FashionMNIST", "LR", 65), "batch size 65, seed 0: is not in the report, which has batch sizes 64, "),
        (("StdCNN-FashionMNIST", "LR", 64, 3), "batch size 64, seed 3: is not in the report, .* seeds 0 to 2"),
    ],
)
def test_what_is_not_in_the_report_is_refused_in_one_line(report: Any, arguments: Any, line: str) -> None:
    with pytest.raises(SettingError, match=line):
        report.network(*arguments)


def test_a_report_without_its_runs_has_its_verdicts(report: Any, tmp_path: Path) -> None:
    """As one that was downloaded from a CI."""
    shutil.copy(PUBLISHED / "report.json", tmp_path)
    alone = repro.load(tmp_path)
    assert records(alone.verdicts()) == records(report.verdicts())
    with pytest.raises(SettingError, match=r"name their folder with --store \(in Python: store=\)"):
        alone.curves()


def test_a_network_that_the_store_has_no_longer_is_an_error_of_one_line(tmp_path: Path) -> None:
    where = conditions(batch_sizes=(64, 128))
    case = case_of(Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Drops(points(1)))
    written(tmp_path / "artifacts", content({"a": case}, where, tmp_path / "store"))
    run = case.runs(where)[0]
    (tmp_path / "store" / "runs" / run.key / "run.json").unlink()
    opened = repro.load(tmp_path / "artifacts", tmp_path / "store")
    with pytest.raises(ReproError, match=rf"^LR/BS m=0 on M1-MNIST, batch size 64, seed 0 \({run.key}\): is not in "):
        opened.network("M1-MNIST", "LR/BS", 64)
    assert run.key not in {row["run"] for row in opened.rows()}


def test_a_network_without_its_weights_is_an_error_of_one_line(tmp_path: Path) -> None:
    where = conditions(batch_sizes=(64, 128))
    case = case_of(Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Drops(points(1)))
    written(tmp_path / "artifacts", content({"a": case}, where, tmp_path / "store"))
    opened = repro.load(tmp_path / "artifacts", tmp_path / "store")
    with pytest.raises(ReproError, match=r"its weights are not in .*store, or damaged"):
        opened.network("M1-MNIST", "LR/BS", 64)


def test_a_recipe_of_ones_own_is_read_off_the_report(tmp_path: Path) -> None:
    own = Recipe("LR/root BS", 0.5, lambda size, momentum: SGD(0.01 * (size / 64) ** 0.5, momentum, 7))
    where = conditions(batch_sizes=(64, 128))
    case = case_of(Curve(M1_MNIST, own, FGSM), holds_if=Drops(points(1)))
    written(tmp_path / "artifacts", content({"a": case}, where, tmp_path / "store"))
    rows = repro.load(tmp_path / "artifacts", tmp_path / "store").rows()
    assert {row["run"] for row in rows} == {run.key for run in case.curves[0].runs(where)}
    assert {(row["recipe"], row["momentum"]) for row in rows} == {("LR/root BS", 0.5)}


def test_a_task_that_nobody_entered_here_is_named(report: Any) -> None:
    (entry, *_) = report.loaded.report.claims
    strange = replace(entry, curves=(replace(entry.curves[0], task="Mine-MNIST"),))
    whole = replace(report.loaded.report, claims=(strange,))
    loaded = type(report.loaded)(report.loaded.path, whole, report.loaded.session)
    with pytest.raises(ReproError, match=r"speaks of Mine-MNIST, which is no task of this paper's: import the module"):
        Opened(loaded, report.store.root).rows()


def test_a_figure_of_data_that_the_report_is_not_of_is_refused(report: Any) -> None:
    with pytest.raises(
        SettingError, match="figure 1: is of CIFAR10, and the report is not; its figures are 3, 4, 11, 12"
    ):
        report.figure(1)


def test_weights_that_are_not_those_of_the_record_are_no_network(tmp_path: Path) -> None:
    shutil.copytree(PUBLISHED, tmp_path / "published")
    copied = repro.load(tmp_path / "published")
    run = copied.network("StdCNN-FashionMNIST", "LR", 64, seed=0).run
    weights = copied.store.weights(run)
    copied.store.put_run(run, copied.store.record(run) or {}, weights.read_bytes())  # the record has a checksum now
    content = bytearray(weights.read_bytes())
    content[-4000:] = bytes(4000)
    weights.write_bytes(content)
    with pytest.raises(ReproError, match=r"or damaged \(they are not those that its record is of"):
        repro.load(tmp_path / "published").network("StdCNN-FashionMNIST", "LR", 64, seed=0)
