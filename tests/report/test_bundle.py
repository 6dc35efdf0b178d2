import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports import content, written
from worlds import conditions, same_examples, under

from repro.errors import ReproError
from repro.experiment.datasets import DATASETS
from repro.experiment.readings import ALL_PARTS, NAMES, Reading
from repro.experiment.recipes import LR, LR_BS
from repro.experiment.regimes import PAPER, QUICK, Regime, Scale
from repro.experiment.tasks import M1_MNIST, TASKS
from repro.report.bundle import FORMAT, conditions_facts, conditions_of, load
from repro.runs.conditions import Conditions
from repro.science.data.sources import Kind, Source
from repro.statistics.equivalence import Flat
from repro.statistics.units import points
from repro.verdicts.claim import Case, Claim
from repro.verdicts.curves import FGSM, Curve
from repro.verdicts.figures import SETTINGS

CLAIM = Claim("it-is-flat", "3", "It is flat.", Flat(points(5)), "it can be seen", (SETTINGS,))
CASES = {"test[a]": Case(CLAIM, M1_MNIST, ("FGSM",), (Curve(M1_MNIST, LR_BS(), FGSM),))}

counts = st.integers(1, 10**6)
some = st.none() | counts
readings = st.builds(
    Reading,
    *(some, some, counts, some, counts),
    st.sampled_from(["network", "pixels"]),
    st.sampled_from(["train", "test"]),
    st.lists(st.sampled_from(ALL_PARTS), unique=True).map(tuple),
)
grids = st.lists(counts, min_size=1, max_size=5, unique=True).map(lambda sizes: tuple(sorted(sizes)))
scales = st.builds(Scale, counts, grids, counts, some, readings, counts)
regimes = st.builds(Regime, st.text(min_size=1), st.fixed_dictionaries(dict.fromkeys(TASKS, scales)))
sources = st.dictionaries(st.sampled_from([*DATASETS]), st.sampled_from(get_args(Kind)))


@same_examples
@given(regimes, sources, st.sampled_from(["cpu", "cuda"]), st.lists(st.sampled_from(NAMES), unique=True).map(tuple))
def test_conditions_are_rebuilt_from_a_report_but_for_where_data_lay(
    regime: Regime, kinds: dict[str, Kind], device: str, names: tuple[str, ...]
) -> None:
    before = Conditions(regime, {n: Source(n, kind, Path()) for n, kind in kinds.items()}, device, names)
    after = conditions_of(json.loads(json.dumps(conditions_facts(before), allow_nan=False)))
    assert after == before
    for task in TASKS.values():
        assert hash(after.reading(task)) == hash(before.reading(task))
        if task.dataset.name in kinds:
            assert after.run(task, LR(), 64, 0).key == before.run(task, LR(), 64, 0).key


def test_a_field_added_to_the_conditions_comes_into_the_report() -> None:
    facts = conditions_facts(conditions())
    assert {field.name for field in fields(Conditions)} - {"regime", "sources"} <= set(facts)


@pytest.mark.parametrize("regime", [PAPER, QUICK, PAPER.overridden(epochs=1)], ids=lambda regime: regime.title)
def test_whether_words_are_those_of_the_papers_scale_is_rebuilt(regime: Regime) -> None:
    after = conditions_of(json.loads(json.dumps(conditions_facts(under(regime)))))
    assert [after.regime.is_papers(task) for task in TASKS.values()] == [
        regime.is_papers(task) for task in TASKS.values()
    ]


def test_a_field_that_an_older_report_does_not_have_has_its_default() -> None:
    facts = conditions_facts(conditions())
    del facts["readings"]
    for scale in facts["regime"]["tasks"].values():
        del scale["width"], scale["reading"]["pgd_restarts"]
    assert conditions_of(facts) == replace(conditions(), sources=conditions_of(facts).sources)


def test_a_report_is_found_by_its_folder_and_by_its_file(tmp_path: Path) -> None:
    report = written(tmp_path / "artifacts", content(CASES, conditions(), tmp_path / "store"))
    assert report == load(tmp_path / "artifacts") == load(tmp_path / "artifacts" / "report.json")
    assert [entry["test"] for entry in report.claims] == [*CASES]


def changed(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        whole = content(CASES, conditions(), folder.parent / "store")
        change(whole)
        (folder / "report.json").write_text(json.dumps(whole))

    return write


Bad = tuple[Callable[[Path], object], str]
BAD: dict[str, Bad] = {
    "no report": (lambda _: None, r"report\.json: there is no such file; pytest claims writes it"),
    "a folder in its place": (lambda folder: (folder / "report.json").mkdir(), r"report\.json: there is no such file"),
    "cut short": (lambda folder: (folder / "report.json").write_text('{"format": 1, "se'), "is damaged, or no JSON"),
    "empty": (lambda folder: (folder / "report.json").touch(), "is damaged, or no JSON"),
    "no text": (lambda folder: (folder / "report.json").write_bytes(b"\xff\xfe"), "is damaged, or no JSON"),
    "a list": (lambda folder: (folder / "report.json").write_text("[]"), "is no report of a session"),
    "no format": (changed(lambda whole: whole.pop("format")), "has no format number .*run the session again"),
    "a later format": (changed(lambda whole: whole.update(format=FORMAT + 1)), f"its format is {FORMAT + 1}"),
    "no session": (changed(lambda whole: whole.pop("session")), "session is missing"),
    "a session without regime": (changed(lambda whole: whole["session"].pop("regime")), "regime is missing"),
    "claims no list": (changed(lambda whole: whole.update(claims={})), "claims is missing or not what it should be"),
    "no errors": (changed(lambda whole: whole.pop("errors")), "errors is missing"),
    "an error no table": (changed(lambda whole: whole.update(errors=[3])), "error 1: no table"),
    "an error without its test": (changed(lambda whole: whole.update(errors=[{}])), "error 1: test is missing or not"),
    "partial no words": (changed(lambda whole: whole["session"].update(partial=True)), "partial is not what it should"),
    "nested too deep": (
        lambda folder: (folder / "report.json").write_text("[" * 10**6),
        "is damaged, or no JSON",
    ),
    "a claim no table": (changed(lambda whole: whole.update(claims=[3])), "claim 1: no table"),
    "a claim without its hash": (
        changed(lambda whole: whole["claims"][0].pop("declared")),
        "claim 1: declared is miss",
    ),
    "a test no text": (changed(lambda whole: whole["claims"][0].update(test=3)), "claim 1: test is missing or not"),
    "an estimate no number": (changed(lambda whole: whole["claims"][0].update(estimate="3")), "claim 1: estimate is"),
    "one end": (changed(lambda whole: whole["claims"][0].update(interval=[3])), "claim 1: interval has no two ends"),
}


@pytest.mark.parametrize(("write", "line"), BAD.values(), ids=BAD)
def test_what_is_no_report_is_told_in_one_line(tmp_path: Path, write: Callable[[Path], object], line: str) -> None:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    write(folder)
    with pytest.raises(ReproError, match=line) as raised:
        load(folder)
    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_place_that_is_nowhere_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReproError, match=r"nowhere: must be an artifacts folder or a report\.json"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session["regime"].pop("tasks"),
        lambda session: session.pop("device"),
        lambda session: session["regime"]["tasks"]["M1-MNIST"].pop("epochs"),
        lambda session: session["regime"]["tasks"]["M1-MNIST"].update(colour="blue"),
        lambda session: session["data"].update(MNIST=3),
    ],
    ids=["no tasks", "no device", "no epochs", "an unknown field", "data no table"],
)
def test_conditions_that_cannot_be_rebuilt_are_told(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    whole = content(CASES, conditions(), tmp_path / "store")
    change(whole["session"])
    with pytest.raises(ReproError, match=r"report\.json: the session's conditions cannot be read"):
        written(tmp_path, whole).conditions  # noqa: B018
