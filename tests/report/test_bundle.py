import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert, structs, to_builtins
from reports import content, plainly, written
from worlds import case_of, conditions, same_examples, under

from repro.errors import ReproError
from repro.experiment.datasets import DATASETS
from repro.experiment.fields import FIELDS
from repro.experiment.readings import ALL_PARTS, NAMES, Reading
from repro.experiment.recipes import LR, LR_BS
from repro.experiment.regimes import PAPER, QUICK, Regime, Scale
from repro.experiment.tasks import M1_MNIST, TASKS
from repro.report.bundle import FORMAT, Loaded, Report, Session, load, session_of
from repro.report.compare import compare
from repro.runs.conditions import Conditions
from repro.runs.store import Store
from repro.science.data.sources import Kind, Source
from repro.statistics.equivalence import Flat
from repro.statistics.units import points
from repro.verdicts.curves import FGSM, Curve
from repro.verdicts.deciding import judge

CASES = {
    "test[a]": case_of(
        Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Flat(points(5)), id="it-is-flat", axes=("FGSM",), says="It is flat."
    )
}


def up_to(field: str) -> st.SearchStrategy[int]:
    """What a field of a regime may be."""
    return st.integers(1, FIELDS[field].kind.most)


counts = up_to("anchor")
some = st.none() | counts
readings = st.builds(
    Reading,
    *(some, some, counts, some, st.just(0) | up_to("pgd_restarts")),
    st.sampled_from(["network", "pixels"]),
    st.sampled_from(["train", "test"]),
    st.lists(st.sampled_from(ALL_PARTS), unique=True).map(tuple),
)
grids = st.lists(counts, min_size=1, max_size=5, unique=True).map(lambda sizes: tuple(sorted(sizes)))
scales = st.builds(Scale, up_to("epochs"), grids, up_to("seeds"), some, readings, up_to("width"), counts, counts)
regimes = st.builds(Regime, st.text(min_size=1), st.fixed_dictionaries(dict.fromkeys(TASKS, scales)))
sources = st.dictionaries(st.sampled_from([*DATASETS]), st.sampled_from(get_args(Kind)))


def test_a_report_that_is_on_its_way_with_others_belongs_to_their_folder(tmp_path: Path) -> None:
    loaded = written(tmp_path, content(CASES, conditions(), tmp_path / "store"))
    assert loaded.artifacts == loaded.path.parent
    waiting = loaded.path.parent / ".written"
    waiting.mkdir()
    loaded.path.rename(waiting / "report.json")
    again = load(loaded.artifacts)
    assert again.path == waiting / "report.json"
    assert again.artifacts == loaded.artifacts


@same_examples
@given(
    regimes,
    sources,
    st.sampled_from(["cpu", "cuda", "cpu,M1-MNIST=cuda"]),
    st.lists(st.sampled_from(NAMES), unique=True).map(tuple),
)
def test_conditions_are_rebuilt_from_a_report_but_for_where_data_lay(
    regime: Regime, kinds: dict[str, Kind], device: str, names: tuple[str, ...]
) -> None:
    before = Conditions(regime, {n: Source(n, kind, Path()) for n, kind in kinds.items()}, device, names)
    after = rebuilt(to_builtins(session_of(before)))
    assert after == before
    for task in TASKS.values():
        assert hash(after.reading(task)) == hash(before.reading(task))
        if task.dataset.name in kinds:
            assert after.run(task, LR(), 64, 0).key == before.run(task, LR(), 64, 0).key


def rebuilt(session: dict[str, Any]) -> Conditions:
    """The conditions that a report with such a session was made under."""
    session = plainly(session)
    report = Report(session=convert(session, Session), claims=(), errors=())
    return Loaded(Path("report.json"), report, session).conditions


def test_a_field_added_to_the_conditions_comes_into_the_report() -> None:
    told = {field.name for field in structs.fields(Session)}
    assert {field.name for field in fields(Conditions)} - {"regime", "sources"} <= told


def test_a_reading_that_is_gone_is_named_in_one_line() -> None:
    facts = to_builtins(session_of(conditions())) | {"readings": ["sound-attack", "margin-loss"]}
    with pytest.raises(ReproError, match=r"^report\.json: this version does not know .* 'margin-loss'$"):
        rebuilt(facts)


@pytest.mark.parametrize("regime", [PAPER, QUICK, PAPER.overridden(epochs=1)], ids=lambda regime: regime.title)
def test_whether_words_are_those_of_the_papers_scale_is_rebuilt(regime: Regime) -> None:
    after = rebuilt(to_builtins(session_of(under(regime))))
    assert [after.regime.is_papers(task) for task in TASKS.values()] == [
        regime.is_papers(task) for task in TASKS.values()
    ]


def test_a_field_that_an_older_report_does_not_have_has_its_default() -> None:
    facts = plainly(to_builtins(session_of(conditions())))
    for name in ("readings", "until_decided", "trained_as", "precision"):
        del facts[name]
    for scale in facts["regime"]["tasks"].values():
        del scale["width"], scale["anchor"], scale["reading"]["pgd_restarts"]
    found = rebuilt(facts)
    assert found == replace(conditions(), sources=found.sources)


def test_a_report_is_found_by_its_folder_and_by_its_file(tmp_path: Path) -> None:
    report = written(tmp_path / "artifacts", content(CASES, conditions(), tmp_path / "store"))
    assert report == load(tmp_path / "artifacts") == load(tmp_path / "artifacts" / "report.json")
    assert [entry.test for entry in report.report.claims] == [*CASES]


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
    "no session": (changed(lambda whole: whole.pop("session")), "required field `session`"),
    "a session without regime": (
        changed(lambda whole: whole["session"].pop("regime")),
        "required field `regime` - at `session`",
    ),
    "a session without tasks": (
        changed(lambda whole: whole["session"]["regime"].pop("tasks")),
        "required field `tasks` - at `session.regime`",
    ),
    "another device": (
        changed(lambda whole: whole["session"].update(device="cpu,M1-MNIST=gpu")),
        "its device must be cpu or cuda, and TASK=DEVICE for a task on another, and 'M1-MNIST=gpu' is not",
    ),
    "no device": (changed(lambda whole: whole["session"].pop("device")), "required field `device` - at `session`"),
    "data no table": (
        changed(lambda whole: whole["session"]["data"].update(MNIST=3)),
        "Expected `object`, got `int` - at `session.data",
    ),
    "claims no list": (changed(lambda whole: whole.update(claims={})), "Expected `array`, got `object` - at `claims`"),
    "no errors": (changed(lambda whole: whole.pop("errors")), "required field `errors`"),
    "an error no table": (
        changed(lambda whole: whole.update(errors=[3])),
        r"Expected `object`, got `int` - at `errors\[0\]`",
    ),
    "an error without its test": (
        changed(lambda whole: whole.update(errors=[{}])),
        r"required field `test` - at `errors\[0\]`",
    ),
    "partial no words": (
        changed(lambda whole: whole["session"].update(partial=True)),
        "Expected `array`, got `bool` - at `session.partial`",
    ),
    "nested too deep": (
        lambda folder: (folder / "report.json").write_text("[" * 10**6),
        "is damaged, or no JSON",
    ),
    "a claim no table": (
        changed(lambda whole: whole.update(claims=[3])),
        r"Expected `object`, got `int` - at `claims\[0\]`",
    ),
    "a claim without its hash": (
        changed(lambda whole: whole["claims"][0].pop("declared")),
        r"required field `declared` - at `claims\[0\]`",
    ),
    "a test no text": (
        changed(lambda whole: whole["claims"][0].update(test=3)),
        r"Expected `str`, got `int` - at `claims\[0\]\.test`",
    ),
    "an unknown outcome": (
        changed(lambda whole: whole["claims"][0].update(outcome="perhaps")),
        r"Invalid enum value 'perhaps' - at `claims\[0\]\.outcome`",
    ),
    "an estimate no number": (
        changed(lambda whole: whole["claims"][0].update(estimate="3")),
        r"Expected `float \| null`, got `str` - at `claims\[0\]\.estimate`",
    ),
    "one end": (
        changed(lambda whole: whole["claims"][0].update(interval=[3])),
        r"Expected `array` of length 2, got 1 - at `claims\[0\]\.interval`",
    ),
    "readings no tables": (
        changed(lambda whole: whole["claims"][0].update(readings=[3])),
        r"Expected `object`, got `int` - at `claims\[0\]\.readings\[0\]`",
    ),
    "runs no list": (
        changed(lambda whole: whole["claims"][0].update(runs=5)),
        r"Expected `array`, got `int` - at `claims\[0\]\.runs`",
    ),
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


@pytest.mark.parametrize("place", ["scale", "reading"])
def test_conditions_that_this_version_does_not_know_cannot_be_rebuilt_and_are_compared(
    tmp_path: Path, place: str
) -> None:
    whole = content(CASES, conditions(), tmp_path / "store")
    scale = whole["session"]["regime"]["tasks"]["M1-MNIST"]
    (scale if place == "scale" else scale["reading"]).update(colour="blue")
    found = written(tmp_path, whole)
    with pytest.raises(ReproError, match=r"report\.json: the session's conditions cannot be .*scale has colour"):
        found.conditions  # noqa: B018
    assert compare(found, found).same


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda scale: scale.pop("epochs"), "required field `epochs`"),
        (lambda scale: scale.update(seeds="3"), "Expected `int`, got `str` - at `seeds`"),
        (lambda scale: scale["reading"].update(parts=["colours"]), r"value 'colours' - at `reading\.parts"),
        (lambda scale: scale["reading"].update(pgd_restarts=1001), "pgd_restarts must be at most 1,000"),
        (lambda scale: scale["reading"].update(pgd_restarts=-1), "pgd_restarts = -1 must be a whole number of at"),
    ],
)
def test_a_scale_that_is_none_cannot_be_rebuilt_and_is_compared(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], line: str
) -> None:
    whole = content(CASES, conditions(), tmp_path / "store")
    before = written(tmp_path / "before", whole)
    change(whole["session"]["regime"]["tasks"]["M1-MNIST"])
    found = written(tmp_path / "after", whole)
    with pytest.raises(ReproError, match=rf"report\.json: the session's conditions cannot be read: .*{line}"):
        found.conditions  # noqa: B018
    assert len(compare(before, found).settings) == 1


def test_what_a_later_version_adds_to_a_verdict_is_passed_over(tmp_path: Path) -> None:
    whole = content(CASES, conditions(), tmp_path / "store")
    before = written(tmp_path / "before", whole).report
    for part in (whole, whole["session"], whole["claims"][0], whole["claims"][0]["instruments"]):
        part["colour"] = "blue"
    assert written(tmp_path / "after", whole).report == before


def test_a_verdict_is_the_same_after_a_stay_in_a_file(tmp_path: Path) -> None:
    where, (test, case) = conditions(), next(iter(CASES.items()))
    (entry,) = written(tmp_path, content(CASES, where, tmp_path / "store")).report.claims
    assert entry == structs.replace(judge(case, Store(tmp_path / "store"), where).entry(), test=test)
