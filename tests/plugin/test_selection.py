"""Which claims a session is about, and at what scale: --task, --figure, --regime and the options that override it."""

from collections.abc import Callable
from typing import Any

import pytest
from projects import Project

from repro.experiment.fields import FIELDS, SIZE
from repro.experiment.readings import Epsilon
from repro.experiment.regime_files import load_regime
from repro.experiment.regimes import ALIASES, LAPTOP, PAPER, QUICK, Scale
from repro.plugin.options import flag
from repro.plugin.settings import Settings, settings

AFTERNOON = """
name = "afternoon"

[all]
seeds = 4
batch_sizes = [512, 64]

[tasks."StdCNN-FashionMNIST"]
seeds = 2
batch_sizes = [64]
"""


@pytest.fixture
def claims(project: Project) -> Project:
    """A project that has a regime of its own, and beside its claims a test that is none."""
    project.add("own.toml", AFTERNOON)
    project.add("claims/test_own.py", "def test_own():\n    pass\n")
    return project


def kept(project: Project, *options: str) -> tuple[set[str], int]:
    """The names of the tests that a session would run, and the number of those it would not."""
    result = project.run("-n0", "--collect-only", "-q", *options)
    tests = {line.partition("::")[2] for line in result.outlines if "::" in line}
    return tests, result.parseoutcomes().get("deselected", 0)


MNIST = {"test_flat[StdCNN-MNIST]", "test_drop[StdCNN-MNIST]"}
MNIST |= {"test_curvature[StdCNN-MNIST]", "test_other_recipe[StdCNN-MNIST]"}
FASHION, DIVERGES = {"test_flat[StdCNN-FashionMNIST]"}, {"test_diverging[M1-FashionMNIST]"}
DRAWN, OWN = {"test_other_recipe[StdCNN-MNIST]"}, {"test_own"}
ALL = MNIST | FASHION | DIVERGES | {"test_broken[M1-MNIST]"}

SELECTED: dict[str, set[str]] = {
    "": ALL,
    "--task StdCNN-MNIST": MNIST,
    "--task StdCNN-FashionMNIST --task M1-FashionMNIST": FASHION | DIVERGES,
    "--task C1-CIFAR10": set(),
    "--figure 11": DRAWN,
    "--figure 12 --figure 20": DRAWN | DIVERGES,
    "--figure 1": set(),
    "--figure 11 --task StdCNN-MNIST": DRAWN,
    "--figure 11 --task M1-FashionMNIST": set(),
    "--figure 11 --figure 20 --task M1-FashionMNIST": DIVERGES,
}


@pytest.mark.parametrize(("options", "expected"), SELECTED.items(), ids=lambda value: value if value else None)
def test_task_and_figure_keep_their_claims_and_every_test_that_is_no_claim(
    claims: Project, options: str, expected: set[str]
) -> None:
    assert kept(claims, *options.split()) == (expected | OWN, len(ALL - expected))


def test_task_and_figure_go_together_with_selection_by_name(claims: Project) -> None:
    tests, deselected = kept(claims, "--task", "StdCNN-MNIST", "-k", "it-holds or it-is-drawn")
    assert tests == {"test_flat[StdCNN-MNIST]"} | DRAWN
    assert deselected == len(ALL | OWN) - 2


def test_a_session_in_which_no_claim_is_left_trains_and_reports_nothing(claims: Project) -> None:
    result = claims.run("-n0", "--figure", "1")
    assert result.ret == 0
    result.assert_outcomes(passed=1, deselected=len(ALL))
    assert not claims.runs()
    assert not (claims.folder / "artifacts").exists()
    (claims.folder / "claims" / "test_own.py").unlink()
    assert claims.run("-n0", "--figure", "1").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_with_workers_the_same_claims_are_kept_and_only_their_runs_are_made(claims: Project) -> None:
    data = str(claims.publish())
    result = claims.run("-n2", "--figure", "11", "--figure", "20", "--task", "StdCNN-MNIST", "--data-root", data)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["1 claim test on 1 curve needs 6 runs and 3 checkpoints of them, 0 trained, *"])
    assert [claim["id"] for claim in claims.report()["claims"]] == ["it-is-drawn"]
    assert result.parseoutcomes()["passed"] == 2  # it, and the test that is no claim
    assert len(claims.runs()) == len(set(claims.runs())) == 9


Wrong = tuple[str, str]  # the options, and what the line begins with
WRONG: dict[str, Wrong] = {
    "task": ("--task MNIST", "--task MNIST: must be one of M1-MNIST, StdCNN-MNIST, M1-FashionMNIST, "),
    "task in small letters": ("--task m1-mnist", "--task m1-mnist: must be one of M1-MNIST, "),
    "second task": ("--task M1-MNIST --task M2", "--task M2: must be one of M1-MNIST, "),
    "no task": ("--task=", "--task : must be one of M1-MNIST, "),
    "figure 0": ("--figure 0", "--figure 0: must be one of 1, 2, 3, "),
    "figure 40": ("--figure 40", "--figure 40: must be one of 1, 2, 3, "),
    "figure by its file": ("--figure fig11", "--figure fig11: must be one of 1, 2, 3, "),
    "several figures in one": ("--figure 11,12", "--figure 11,12: must be one of 1, 2, 3, "),
    "quick and a file": ("--regime own.toml", "--regime own.toml: cannot be combined with --quick; "),
    "quick and the paper's": ("--regime paper", "--regime paper: cannot be combined with --quick; "),
}
WITHOUT_QUICK: dict[str, Wrong] = {
    "no such regime": ("--regime nowhere.toml", "--regime nowhere.toml: must be paper, quick, laptop or a TOML file "),
    "nothing": ("--regime=", "--regime : must be paper, quick, laptop or a TOML file "),
    "a folder": ("--regime claims", "--regime claims: must be paper, quick, laptop or a TOML file "),
    "no TOML": ("--regime conftest.py", "--regime conftest.py: is not TOML ("),
    "a wrong value": ("--regime wrong.toml", "--regime wrong.toml, [all]: seeds = 0 must be a whole number "),
}


def refused(project: Project, begins: str, *arguments: str) -> None:
    result = project.bare("claims", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [*result.outlines, *result.errlines]
    (line,) = (line for line in lines if line.startswith("ERROR"))
    assert line.startswith(f"ERROR: {begins}")
    assert not any("Traceback" in line or "INTERNALERROR" in line for line in lines)
    assert not (project.folder / "artifacts").exists()


@pytest.mark.parametrize(
    ("quick", "wrong"),
    [*(([], wrong) for wrong in WITHOUT_QUICK.values()), *((["--quick"], wrong) for wrong in WRONG.values())],
    ids=[*WITHOUT_QUICK, *WRONG],
)
def test_what_cannot_be_selected_ends_the_session_with_one_line(
    claims: Project, quick: list[str], wrong: Wrong
) -> None:
    claims.add("wrong.toml", "[all]\nseeds = 0\n")
    options, begins = wrong
    refused(claims, begins, *quick, *options.split())


@pytest.mark.parametrize("options", ["--quick --task MNIST", "--regime nowhere.toml"])
def test_it_ends_so_before_a_worker_is_started(claims: Project, options: str) -> None:
    refused(claims, options.removeprefix("--quick "), "-n2", *options.split())


def planned(result: pytest.RunResult) -> set[tuple[str, ...]]:
    """Task, batch sizes, seeds and runs of the plan's rows."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.outlines if line.startswith("│")]
    plan = [row for row in rows if len(row) == 8]
    return {(task, grid, seeds, runs) for task, _, grid, seeds, runs, *_ in plan if grid}  # no sums


@pytest.mark.parametrize(
    ("options", "fashion"),
    [("", ("64", "2", "2")), ("--seeds 3 --batch-sizes 256,128 --train-images 512", ("128 256", "3", "6"))],
    ids=["as the file says", "overridden"],
)
def test_the_plan_is_that_of_the_regime_and_of_what_overrides_it(
    claims: Project, options: str, fashion: tuple[str, ...]
) -> None:
    result = claims.bare("claims", "--regime", "own.toml", "--plan", "-k", "it-holds", *options.split())
    assert result.ret == 0
    everywhere = fashion if options else ("64 512", "4", "8")
    assert planned(result) == {("StdCNN-FashionMNIST", *fashion), ("StdCNN-MNIST", *everywhere)}
    result.stdout.fnmatch_lines(["regime: afternoon (reduced: *"])


RERUN = ["--regime", "own.toml", "--seeds", "3", "--pgd-steps", "2", "--train-images", "0"]


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_regimes_name_reaches_header_and_report_and_its_file_the_rerun_command(
    claims: Project, processes: str
) -> None:
    data = claims.publish().name
    options = [*RERUN, "--data-root", data, "--store", "artifacts"]
    result = claims.bare("claims", processes, *options, "--task", "StdCNN-MNIST", "-k", "it-holds or it-fails")
    lines = result.outlines
    header, summary = (i for i, line in enumerate(lines) if line.startswith("regime: afternoon (reduced: "))
    assert header < lines.index(next(line for line in lines if "= claims =" in line)) < summary
    report = claims.report()
    regime: dict[str, Any] = report["session"]["regime"]
    assert regime["name"] == "afternoon"
    fields = ("seeds", "batch_sizes", "train_images")
    assert [regime["tasks"]["StdCNN-MNIST"][field] for field in fields] == [3, [64, 512], None]
    assert "afternoon" in (claims.folder / "artifacts" / "report.md").read_text().split("## The answer")[0]
    for claim in report["claims"]:
        test, *flags = claims.rerun(claim)
        assert test == claim["test"]
        assert sorted(flags) == sorted(options)  # nothing of the selection, since it names its test
    before = len(claims.runs())
    first = next(claim for claim in report["claims"] if claim["id"] == "it-fails")
    claims.bare(*claims.rerun(first))
    assert claims.report()["claims"] == report["claims"]
    assert len(claims.runs()) == before == 6


Given = Callable[..., Settings]


@pytest.fixture
def given(pytester: pytest.Pytester) -> Given:
    """The settings that a command line stands for."""
    pytester.makeconftest('pytest_plugins = ["repro.plugin"]')
    (pytester.path / "own.toml").write_text(AFTERNOON)
    return lambda *options: settings(pytester.parseconfig(*options))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        *(("", "paper"), ("--quick", "quick"), ("--regime paper", "paper"), ("--regime laptop", "laptop")),
        ("--quick --regime quick", "quick"),
    ],
)
def test_a_built_in_regime_can_be_named(given: Given, options: str, name: str) -> None:
    assert given(*options.split()).regime == {"paper": PAPER, "quick": QUICK, "laptop": LAPTOP}[name]


def value_of(scale: Scale, field: str) -> Any:
    field = ALIASES.get(field, field)
    return getattr(scale if hasattr(scale, field) else scale.reading, field)


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_a_regime_has_an_option_that_overrides_it_in_every_task(given: Given, field: str) -> None:
    texts = {"batch_sizes": "256,32", "epsilon": "0.1px", "epsilon_unit": "pixels", "curvature_of": "test"}
    values = {"batch_sizes": (32, 256), "epsilon": Epsilon(0.1, "pixels")}
    text = texts.get(field, "7")
    value = values.get(field, text if field in texts else 7)
    own = load_regime("own.toml")
    changed = given("--regime", "own.toml", flag(field), text).regime
    assert changed == own.overridden(**{field: value})
    assert {value_of(scale, field) for scale in changed.scales.values()} == {value}
    if FIELDS[field].kind is SIZE:
        assert given(flag(field), "0").regime == PAPER.overridden(**{field: None})


def test_help_names_every_option_that_selects_or_overrides(claims: Project) -> None:
    result = claims.bare("--help")
    for option in ("--task=NAME", "--figure=N", "--regime=NAME", *map(flag, FIELDS)):
        result.stdout.fnmatch_lines([f"  {option}*"])
