"""Others' numbers: read from a table, compared with ours through a claim, and shown beside them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from worlds import CLAIMS, conditions, fill

from repro.claims import Differs, Matches, claim, references
from repro.errors import SettingError
from repro.experiment.recipes import BENCHMARK, LR
from repro.experiment.tasks import C1_CIFAR10, M1_MNIST
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.estimands import Estimand, Outcome
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, TEST_ACCURACY, Curve, Measure
from repro.verdicts.deciding import judge
from repro.verdicts.declaration import changes, declaration, digest
from repro.verdicts.verdict import Verdict

SOURCE = '[sources.a]\nauthors = "A and B (2018)"\ntitle = "A study"\naddress = "https://example.org/a"\n'
WHERE = conditions(seeds=5)


def row(**changes: Any) -> str:
    """A row of a table, as TOML."""
    fields = {
        "source": '"a"',
        "place": '"Table 1, page 7"',
        "task": '"M1-MNIST"',
        "recipe": '"Benchmark"',
        "measure": '"test_accuracy"',
        "batch_size": 64,
        "value": 0.9,
    }
    told = {name: value for name, value in (fields | changes).items() if value is not None}
    return "[[numbers]]\n" + "".join(f"{name} = {value}\n" for name, value in told.items())


def file(folder: Path, *rows: str) -> Path:
    path = folder / "reference.toml"
    path.write_text("\n".join([SOURCE, *rows]))
    return path


def case(path: Path, measure: Measure, kind: type[Estimand]) -> Case:
    """The case of a claim that a curve of Benchmark matches the table, or differs from it."""
    theirs = references(path)

    @claim(
        "as-printed",
        section="2",
        says="They are as printed.",
        on=(M1_MNIST,),
        curves=lambda task: Curve(task, BENCHMARK, measure, theirs.of("a", task, BENCHMARK, measure)),
        holds_if=kind,
    )
    def test_as_printed(verdict: Verdict) -> None: ...

    marks: list[pytest.Mark] = getattr(test_as_printed, "pytestmark")  # noqa: B009  # which mypy does not know of
    (mark,) = (mark for mark in marks if mark.name == "parametrize")
    return mark.args[1][0]


def results(run: Run) -> Mapping[str, float]:
    """Accuracies of 90, 88 and 86% and eigenvalues of 20, 40 and 80, with a little that is the seed's own."""
    j = (64, 128, 256).index(run.batch_size)
    luck = 0.001 * ((run.seed * 7 + j) % 3 - 1)
    return {"test_accuracy": 0.9 - 0.02 * j + luck, "fgsm_accuracy": 0.5 + luck, "lambda1": (20 + luck) * 2**j}


def verdict(folder: Path, measure: Measure, kind: type[Estimand], *values: tuple[int, float]) -> Verdict:
    rows = [row(measure=f'"{measure.field}"', batch_size=size, value=value) for size, value in values]
    asked = case(file(folder, *rows), measure, kind)
    return judge(asked, fill(Store(folder), asked.runs(WHERE), results), WHERE)


HOLDS, FAILS, UNDECIDED = Outcome.HOLDS, Outcome.FAILS, Outcome.UNDECIDED
# test accuracy matters from 2 points, FGSM's from 5, lambda1 from a factor of 2
DECISIONS: dict[str, tuple[Measure, list[tuple[int, float]], Outcome]] = {
    "all near": (TEST_ACCURACY, [(64, 0.905), (128, 0.88), (256, 0.87)], HOLDS),
    "one is far": (TEST_ACCURACY, [(64, 0.905), (128, 0.88), (256, 0.80)], FAILS),
    "one at the margin": (TEST_ACCURACY, [(64, 0.92)], UNDECIDED),
    "one number alone": (TEST_ACCURACY, [(256, 0.86)], HOLDS),
    "of other batch sizes, too": (TEST_ACCURACY, [(64, 0.9), (2048, 0.1)], HOLDS),
    "an attacked accuracy near": (FGSM, [(64, 0.53), (256, 0.47)], HOLDS),
    "an attacked accuracy above": (FGSM, [(64, 0.6), (256, 0.5)], FAILS),
    "an eigenvalue near": (LAMBDA1, [(64, 15.0), (128, 70.0)], HOLDS),
    "an eigenvalue far": (LAMBDA1, [(64, 20.0), (128, 100.0)], FAILS),
}
OPPOSITE = {HOLDS: FAILS, FAILS: HOLDS, UNDECIDED: UNDECIDED}


@pytest.mark.parametrize(("measure", "values", "outcome"), DECISIONS.values(), ids=DECISIONS)
def test_ours_are_compared_with_theirs_within_the_smallest_difference_that_matters(
    tmp_path: Path, measure: Measure, values: list[tuple[int, float]], outcome: Outcome
) -> None:
    assert verdict(tmp_path, measure, Matches, *values).decision.outcome is outcome
    assert verdict(tmp_path, measure, Differs, *values).decision.outcome is OPPOSITE[outcome]


@pytest.mark.parametrize("kind", [Matches, Differs])
@pytest.mark.parametrize("values", [[], [(2048, 0.9)]], ids=["none", "at other batch sizes"])
def test_where_nothing_is_printed_nothing_is_decided(
    tmp_path: Path, kind: type[Estimand], values: list[tuple[int, float]]
) -> None:
    found = verdict(tmp_path, TEST_ACCURACY, kind, *values)
    assert (found.decision.outcome, found.effect) == (UNDECIDED, "no numbers in the table")
    assert found.hopeless
    assert found.further is None


def test_ours_and_theirs_stand_side_by_side_with_their_source(tmp_path: Path) -> None:
    evidence = verdict(tmp_path, TEST_ACCURACY, Matches, (64, 0.905), (256, 0.87)).evidence.splitlines()
    head, *rows = (line.split() for line in evidence if line.startswith("    "))
    assert head[:5] == ["batch", "size", "mean", "sd", "theirs"]
    assert [(ours[0], ours[1], ours[3]) for ours in rows[:3]] == [
        ("64", "90.0%", "90.5%"),
        ("128", "88.0%", "-"),
        ("256", "86.0%", "87.0%"),
    ]
    assert "    theirs: A and B (2018), A study, Table 1, page 7 (https://example.org/a)" in evidence


def test_without_numbers_no_column_is_shown(tmp_path: Path) -> None:
    assert "theirs" not in verdict(tmp_path, TEST_ACCURACY, Matches).evidence


def test_a_number_of_theirs_is_part_of_what_is_declared(tmp_path: Path) -> None:
    before, after = (
        declaration(case(file(tmp_path, row(value=value)), TEST_ACCURACY, Matches), WHERE) for value in (0.9, 0.8)
    )
    assert digest(before) != digest(after)
    assert changes(before, after) == ["curves.1.theirs.64: 0.9 -> 0.8"]


def test_a_number_belongs_to_its_source_task_recipe_and_measure(tmp_path: Path) -> None:
    path = file(tmp_path, row(), row(task='"C1-CIFAR10"', value=0.8), row(recipe='"LR m=0"', value=0.7))
    table = references(path)
    assert table.of("a", M1_MNIST, BENCHMARK, TEST_ACCURACY).values == {64: 0.9}
    assert table.of("a", C1_CIFAR10, BENCHMARK, TEST_ACCURACY).values == {64: 0.8}
    assert table.of("a", M1_MNIST, LR(), TEST_ACCURACY).values == {64: 0.7}
    assert table.of("a", M1_MNIST, LR(0.9), TEST_ACCURACY).values == {}
    assert table.of("a", M1_MNIST, BENCHMARK, FGSM).values == {}


MALFORMED: dict[str, tuple[tuple[str, ...], str]] = {
    "no TOML": (("[[numbers",), "is not TOML"),
    "unknown source": ((row(source='"b"'),), "number 1: source = 'b' is unknown; known are a"),
    "unknown task": (
        (
            row(),
            row(task='"M2-MNIST"'),
        ),
        "number 2: task = 'M2-MNIST' is unknown; known are M1-MNIST, ",
    ),
    "unknown measure": ((row(measure='"accuracy"'),), "measure = 'accuracy' is unknown; known are test_accuracy, "),
    "value no number": ((row(value='"0.9"'),), "Expected `float`, got `str` - at `numbers[0].value`"),
    "value a truth": ((row(value="true"),), "Expected `float`, got `bool` - at `numbers[0].value`"),
    "value not a number": ((row(value="nan"),), "value = nan must be a share from 0 to 1 for test_accuracy"),
    "value in percent": ((row(value=90.5),), "value = 90.5 must be a share from 0 to 1 for test_accuracy"),
    "an eigenvalue below zero": (
        (row(measure='"lambda1"', value=-1),),
        "value = -1 must be a positive number for lambda1",
    ),
    "an infinite eigenvalue": ((row(measure='"lambda1"', value="inf"),), "value = inf must be a positive number"),
    "batch size zero": ((row(batch_size=0),), "batch_size = 0 must be a whole number of at least 1"),
    "batch size a half": ((row(batch_size=0.5),), "Expected `int`, got `float` - at `numbers[0].batch_size`"),
    "a field too few": ((row(place=None),), "missing required field `place` - at `numbers[0]`"),
    "a field too many": ((row(colour='"red"'),), "contains unknown field `colour` - at `numbers[0]`"),
    "one number twice": (
        (row(), row(value=0.8)),
        "number 2: there is another one of M1-MNIST, Benchmark, test_accuracy, 64",
    ),
}


@pytest.mark.parametrize(("rows", "says"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_table_is_told_in_one_line(tmp_path: Path, rows: tuple[str, ...], says: str) -> None:
    path = file(tmp_path, *rows)
    with pytest.raises(SettingError) as raised:
        references(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_table_that_is_not_there_and_a_source_that_is_not_in_it_are_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"none\.toml: cannot be read \(No such file"):
        references(tmp_path / "none.toml")
    with pytest.raises(SettingError, match="source 'b' is unknown; known are a"):
        references(file(tmp_path)).of("b", M1_MNIST, BENCHMARK, FGSM)


def test_the_form_of_a_row_that_the_paper_s_table_shows_is_one_that_is_read(tmp_path: Path) -> None:
    """It is empty, and whoever fills it will copy what stands in its comment."""
    text = (CLAIMS / "reference.toml").read_text()
    assert references(CLAIMS / "reference.toml").table.numbers == ()
    shown = "\n".join(line.removeprefix("#     ") for line in text.splitlines() if line.startswith("#     "))
    filled = tmp_path / "reference.toml"
    filled.write_text(text + shown)
    (number,) = references(filled).table.numbers
    assert set(tomllib.loads(shown)["numbers"][0]) == set(number.__struct_fields__)
