import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace as with_fields
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape
from msgspec import to_builtins
from msgspec.structs import replace
from worlds import case_of, conditions, fill, fill_measures

from repro.experiment.own import OWN
from repro.experiment.readings import alone
from repro.experiment.recipes import BENCHMARK
from repro.experiment.tasks import M1_MNIST
from repro.experiment.trained_as import HE, POOL_LAST, SAYS
from repro.report import provenance, write_report
from repro.report.choices import CHOICES, choices
from repro.report.together import taken_together
from repro.runs.store import Store
from repro.statistics.estimands import Outcome
from repro.statistics.trends import Drops, Rises
from repro.statistics.units import Margin, factor, points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, MEASURES, Curve
from repro.verdicts.deciding import judge
from repro.verdicts.entry import Broken
from repro.verdicts.own_measures import measure

WHERE = conditions(data="surrogate", batch_sizes=(64, 256), seeds=2)
SESSION = {"command": "pytest claims --quick", "seconds": 12.5}
BROKEN = Broken(
    test="test[broken]", claim="it-rises", case="M1-MNIST-PGD", task="M1-MNIST", error="RuntimeError: out of memory"
)


def case(claim_id: str, curve: Curve, holds_if: Drops | Rises) -> Case:
    return case_of(curve, holds_if=holds_if, id=claim_id, axes=("FGSM",), says="So.")


CASES = [
    case("it-drops", Curve(M1_MNIST, BENCHMARK, FGSM), Drops(points(1))),
    case("it-rises", Curve(M1_MNIST, BENCHMARK, LAMBDA1), Rises(factor(2))),
]


@pytest.fixture(scope="module", autouse=True)
def checkout() -> Iterator[None]:
    """The report is of the checkout that holds the package."""
    with pytest.MonkeyPatch.context() as patch:
        package = Path(__file__).parents[2] / "repro"
        patch.setattr(
            provenance, "commit", lambda folder: {"commit": "abc" if package in folder.parents else None, "dirty": True}
        )
        yield


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], dict[str, Any], str]:
    """What was written, the bundle and the page of a session with two verdicts and an error."""
    folder = tmp_path_factory.mktemp("report")
    artifacts = folder / "artifacts" / "new"
    runs = {run for case in CASES for run in case.runs(WHERE)}
    store = fill(Store(folder / "store"), runs, lambda run: {"fgsm_accuracy": 0.8 - run.batch_size / 1000})
    entries = [replace(judge(case, store, WHERE).entry(), test=f"test[{case.claim.id}]") for case in CASES]
    written = write_report(entries, [BROKEN], SESSION, WHERE, store, artifacts)
    bundle = json.loads((artifacts / "report.json").read_text())
    return written, bundle, (artifacts / "report.md").read_text()


Report = tuple[list[Path], dict[str, Any], str]


@pytest.mark.parametrize(
    ("ps", "together"),
    [
        ((0.01, 0.04), [True, True]),  # 0.01 against 0.05 / 2, then 0.04 against 0.05
        ((0.03, 0.04), [False, False]),  # each alone would hold
        ((0.02, 0.06), [True, False]),
    ],
)
def test_a_report_says_which_verdicts_hold_all_together(
    tmp_path: Path, ps: tuple[float, float], together: list[bool]
) -> None:
    runs = CASES[0].runs(WHERE)
    store = fill(Store(tmp_path / "store"), runs, lambda run: {"fgsm_accuracy": 0.8 - run.batch_size / 1000})
    entry = replace(judge(CASES[0], store, WHERE).entry(), figures=())
    for outcome, expected in ((Outcome.HOLDS, together), (Outcome.FAILS, [False, False])):
        entries = taken_together([replace(entry, outcome=outcome, p=p) for p in ps])
        write_report(entries, [], SESSION, WHERE, store, tmp_path)
        claims = json.loads((tmp_path / "report.json").read_text())["claims"]
        assert [claim["family_wise"] for claim in claims] == expected


def test_an_entry_has_the_smallest_error_at_which_it_would_hold(report: Report) -> None:
    _, bundle, _ = report
    assert all((claim["p"] <= 0.05) is (claim["outcome"] == "holds") for claim in bundle["claims"])
    assert all(0 <= claim["p"] <= 1 for claim in bundle["claims"])


def test_it_writes_bundle_page_and_the_figures_of_its_claims_and_says_so(report: Report) -> None:
    written, _, _ = report
    names = {path.name for path in written}
    assert {"report.json", "report.md", "fig09.png", "fig13.png"} <= names
    assert {name for name in names if re.fullmatch(r"fig\d+.png", name)} == {"fig09.png", "fig13.png"}
    assert {path.name for path in written[0].parent.iterdir()} == names
    assert all(path.stat().st_size > 0 for path in written)


def test_the_bundle_has_the_verdicts_in_their_order_under_their_tests(report: Report) -> None:
    _, bundle, _ = report
    assert set(bundle) >= {"session", "claims", "errors", "choices"}
    assert [claim["test"] for claim in bundle["claims"]] == ["test[it-drops]", "test[it-rises]"]
    assert bundle["claims"][0]["verdict"] == "trend seen (surrogate)"
    assert bundle["claims"][1]["verdict"] == "trend not seen (surrogate)"
    assert bundle["errors"] == [to_builtins(BROKEN)]


def test_the_bundle_says_under_which_conditions_it_was_made(report: Report) -> None:
    session = report[1]["session"]
    assert session["command"] == "pytest claims --quick"
    assert session["seconds"] == 12.5
    assert session["figures"] == [9, 13]
    assert session["device"] == "cpu"
    assert session["regime"]["name"] == "quick"
    scale = session["regime"]["tasks"]["M1-MNIST"]
    assert (scale["epochs"], scale["seeds"], scale["batch_sizes"]) == (2, 2, [64, 256])
    assert scale["reading"]["pgd_steps"] == 4
    assert session["data"]["MNIST"]["kind"] == "surrogate"
    assert (session["commit"], session["dirty"]) == ("abc", True)
    assert "torch" in session["versions"]
    assert "processor" in session["hardware"]


def test_the_bundle_lists_what_the_paper_leaves_open(report: Report) -> None:
    choices = report[1]["choices"]
    assert len(choices) == len(CHOICES) >= 10
    assert all(choice["open"] and choice["reading"] and choice["why"] and choice["where"] for choice in choices)


def test_a_session_that_was_trained_otherwise_says_so_in_bundle_page_and_choices(tmp_path: Path) -> None:
    where = with_fields(WHERE, trained_as=(POOL_LAST, HE))
    store = fill(Store(tmp_path / "store"), CASES[0].runs(where))
    write_report([judge(CASES[0], store, where).entry()], [], SESSION, where, store, tmp_path)
    bundle = json.loads((tmp_path / "report.json").read_text())
    assert bundle["session"]["trained_as"] == [POOL_LAST, HE]
    changed = [choice for choice in bundle["choices"] if choice["why"] == "asked for"]
    assert [choice["reading"] for choice in changed] == [SAYS[POOL_LAST], SAYS[HE]]
    assert len(bundle["choices"]) == len(CHOICES)
    head = (tmp_path / "report.md").read_text().partition("## The answer")[0]
    assert [name for name in SAYS if f"**Trained with {name}**: {SAYS[name]}." in head] == [POOL_LAST, HE]
    page = (tmp_path / "report.html").read_text("utf-8")
    assert f'<dd>{escape(SAYS[HE])}. <span class="because">Why: asked for.</span></dd>' in page


def test_a_departure_is_the_other_reading_of_one_choice() -> None:
    first = choices(())
    assert sorted(choice.unless for choice in first if choice.unless) == sorted(SAYS)
    for name in SAYS:
        pairs = zip(first, choices((name,)), strict=True)
        (changed,) = (other for choice, other in pairs if other != choice)
        assert (changed.unless, changed.reading) == (name, SAYS[name])
        assert {choice.open for choice in choices((name,))} == {choice.open for choice in first}


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.open)
def test_a_choice_names_a_place_that_there_is(choice: Any) -> None:
    parts = choice.where.split(".")
    root = Path(__file__).parents[2]
    module = next(parts[:n] for n in range(len(parts), 0, -1) if root.joinpath(*parts[:n]).with_suffix(".py").exists())
    text = root.joinpath(*module).with_suffix(".py").read_text()
    assert all(re.search(rf"^{name}\b", text, re.MULTILINE) for name in parts[len(module) :])


def test_every_file_that_the_page_names_is_there(report: Report) -> None:
    written, _, page = report
    named = re.findall(r"`([a-z]+\.[a-z]+)`", page)
    assert {*named} >= {"report.html", "measured.csv", "report.json"}
    assert {name for name in named if not (written[0].parent / name).exists()} == set()


def test_the_page_speaks_of_the_surrogate_and_the_reduced_scale(report: Report) -> None:
    head, _, rest = report[2].partition("## ")
    assert "SURROGATE" in head
    assert "quick regime" in head
    assert "1 holds and 1 fails" in rest
    assert "## 1 test broke" in rest


def test_the_table_of_measured_values_has_a_line_for_each_network(report: Report) -> None:
    written, bundle, _ = report
    rows = list(csv.DictReader((written[0].parent / "measured.csv").read_text("utf-8").splitlines()))
    assert len(rows) == 2 * 2  # batch sizes and seeds
    assert {row["run"] for row in rows} == {run for claim in bundle["claims"] for run in claim["runs"]}
    assert {(row["task"], row["recipe"], row["lambda1"]) for row in rows} >= {("M1-MNIST", "Benchmark", "20.0")}


@pytest.mark.parametrize(
    ("matters", "shown"), [(points(5), "641.4% <small>±2.0"), (factor(2), "6.41 <small>\u00d71.00")]
)
def test_a_measure_of_ones_own_stands_in_table_and_page_on_its_own_scale(
    tmp_path: Path, matters: Margin, shown: str
) -> None:
    """Also where it was not entered: the process that writes the report collects no claims where workers do."""
    own = measure("norm", lambda *_: 1.0, matters=matters, because="an example", label="norm of the weights")
    case = case_of(Curve(M1_MNIST, BENCHMARK, own), holds_if=Rises(matters))
    store = fill(Store(tmp_path / "store"), case.runs(WHERE))
    reading = alone(WHERE.reading(M1_MNIST), own.part)
    fill_measures(store, case.runs(WHERE), reading, lambda run: {"norm": run.batch_size / 10 + run.seed / 35.36})
    entry = judge(case, store, WHERE).entry()
    del OWN["norm"], MEASURES["norm"]
    write_report([entry], [], SESSION, WHERE, store, tmp_path)
    rows = csv.DictReader((tmp_path / "measured.csv").read_text("utf-8").splitlines())
    assert [row["norm"] for row in rows if row["seed"] == "0"] == ["6.4", "25.6"]
    page = (tmp_path / "report.html").read_text("utf-8")
    assert 'data-measure="norm of the weights">norm of the weights</th>' in page
    assert f">{shown}" in page


def test_the_bundle_has_the_curves_of_its_claims_each_once_and_the_margin_of_each(report: Report) -> None:
    bundle = report[1]
    (name,) = bundle["claims"][0]["curves"]
    points = bundle["curves"][name]["points"]
    assert [point["batch_size"] for point in points] == [64, 256]
    assert {run for point in points for run in point["runs"]} == {*bundle["claims"][0]["runs"]}
    assert bundle["claims"][0]["number_line"]["side"] == "below"
    assert bundle["claims"][0]["number_line"]["margin"] == 1.0


def test_a_session_without_a_verdict_has_a_report(tmp_path: Path) -> None:
    write_report([], [BROKEN], SESSION, with_fields(WHERE, device="cuda"), Store(tmp_path / "store"), tmp_path)
    bundle = json.loads((tmp_path / "report.json").read_text())
    assert bundle["claims"] == []
    assert bundle["session"]["figures"] == []
    assert bundle["session"]["device"] == "cuda"
