"""Commands that read a report and its store: the page again, the numbers behind curves; and a store made smaller."""

import csv
import importlib.util
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import filelock
import pytest
from doors import BAD_INPUT, DIFFERENT, SAME, outside, read, rewrite
from worlds import conditions

from repro.cli import main
from repro.experiment.recipes import LR
from repro.experiment.tasks import M1_MNIST
from repro.files.aside import set_aside
from repro.runs.run import from_spec

Filled = tuple[Path, dict[str, Any]]


def few(artifacts: Path) -> None:
    """Leave the claims that speak of few figures, for drawing takes time."""
    report = read(artifacts)
    report["claims"] = [claim for claim in report["claims"] if claim["id"] == "counter-example"][:1]
    report["session"]["figures"] = report["claims"][0]["figures"]
    rewrite(artifacts, report)


def test_the_page_and_figures_are_written_again_without_training(
    artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few(artifacts)
    before = (artifacts / "report.json").read_bytes()
    assert main(["report", str(artifacts)]) == SAME
    text = capsys.readouterr().out
    figures = [f"fig{number:02d}.png" for number in read(artifacts)["session"]["figures"]]
    for name in ("report.md", "scorecard.png", "fig*"):
        assert f"written: {artifacts / name}" in text
    for name in ("report.md", "scorecard.png", *figures):
        assert (artifacts / name).stat().st_size > 0
    assert (artifacts / "report.json").read_bytes() == before
    assert main(["report", str(artifacts), "--into", str(tmp_path / "other" / "place"), "--linear-axis"]) == SAME
    other = tmp_path / "other" / "place"
    assert (other / "report.md").read_text("utf-8") == (artifacts / "report.md").read_text("utf-8")
    assert (other / figures[0]).read_bytes() != (artifacts / figures[0]).read_bytes()
    report = read(artifacts)
    report["session"]["command"] = "PYTEST_ADDOPTS='-q --linear-axis' pytest claims -k 'never closed"
    rewrite(artifacts, report)
    assert main(["report", str(artifacts)]) == SAME
    assert (other / figures[0]).read_bytes() == (artifacts / figures[0]).read_bytes()


def test_the_numbers_behind_the_curves_are_a_row_for_each_run(
    artifacts: Path, filled: Filled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["curves", str(artifacts)]) == SAME
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    runs = {row["run"] for row in rows}
    assert runs == {run for claim in filled[1]["claims"] for run in claim["runs"]}
    row = next(row for row in rows if (row["task"], row["recipe"], row["momentum"]) == ("M1-MNIST", "LR", "0.0"))
    run = conditions(batch_sizes=(64, 256), seeds=2).run(M1_MNIST, LR(), int(row["batch_size"]), int(row["seed"]))
    assert row["run"] == run.key
    stored = next((filled[0] / "runs" / run.key).glob("measures-*.json"))
    assert float(row["lambda1"]) == json.loads(stored.read_text())["measures"]["lambda1"]
    assert main(["curves", str(artifacts), "--output", str(tmp_path / "curves.csv")]) == SAME
    assert list(csv.DictReader(io.StringIO((tmp_path / "curves.csv").read_text("utf-8")))) == rows


def test_parquet_holds_what_csv_does_where_it_can_be_written(artifacts: Path, tmp_path: Path) -> None:
    """It is written by the real pandas and pyarrow where they are installed, as in CI."""
    path = tmp_path / "curves.parquet"
    ended = main(["curves", str(artifacts), "--output", str(path)])
    if any(importlib.util.find_spec(name) is None for name in ("pandas", "pyarrow")):
        assert (ended, path.exists()) == (BAD_INPUT, False)
        return
    import pandas

    assert ended == SAME
    assert main(["curves", str(artifacts), "--output", str(tmp_path / "curves.csv")]) == SAME
    tables = pandas.read_parquet(path), pandas.read_csv(tmp_path / "curves.csv")
    of_parquet, of_csv = (table.drop(columns="seconds") for table in tables)  # which nothing here took
    pandas.testing.assert_frame_equal(of_parquet, of_csv)


def test_what_cannot_be_written_or_found_is_told_in_one_line(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in ("pandas", "pyarrow") else name)
    assert main(["curves", str(artifacts), "--output", "x.parquet"]) == BAD_INPUT
    assert capsys.readouterr().err.endswith("install pandas and pyarrow, or name a .csv\n")
    assert main(["curves", str(artifacts), "--output", str(tmp_path / "nowhere" / "x.csv")]) == BAD_INPUT
    assert capsys.readouterr().err.count("\n") == 1
    (tmp_path / "empty" / "runs").mkdir(parents=True)
    for command in ("curves", "report"):
        assert main([command, str(artifacts), "--store", str(tmp_path)]) == BAD_INPUT
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["curves", str(artifacts), "--store", str(tmp_path / "empty")]) == BAD_INPUT
    assert "none of the runs that" in capsys.readouterr().err


@pytest.fixture
def store(tmp_path: Path, filled: Filled) -> Path:
    """A copy of some of the runs, one of them of another version, one damaged, one left unfinished."""
    for folder in sorted((filled[0] / "runs").iterdir())[:6]:
        shutil.copytree(folder, tmp_path / "copy" / "runs" / folder.name)
    (tmp_path / "copy" / "locks").mkdir()
    first, second, third, *_ = sorted((tmp_path / "copy" / "runs").iterdir())
    first.rename(first.with_name("0" * 20))
    (tmp_path / "copy" / "decided").mkdir()
    for damaged in (second / "measures-0.json", tmp_path / "copy" / "decided" / "0.json"):
        damaged.write_text("{")
        set_aside(damaged)
    (third / ".writing-run.json-x").write_text("{")
    for folder in (tmp_path / "copy" / "runs").iterdir():
        (folder / "weights.safetensors").write_bytes(b"0" * 1000)
    return tmp_path / "copy"


def names(store: Path) -> set[str]:
    return {f"{path.parent.name}/{path.name}" for path in (store / "runs").rglob("*") if path.is_file()}


def test_clean_says_what_it_would_free_and_asks(store: Path) -> None:
    before = names(store)
    refused = outside("clean", "--store", str(store))  # and nobody answers
    assert (refused.returncode, names(store)) == (BAD_INPUT, before)
    assert "of another version of the code" in refused.stdout
    assert "left by a process that was killed, or damaged" in refused.stdout
    assert refused.stderr.endswith("stopped; nothing was changed\n")


def test_clean_frees_what_no_session_of_this_version_will_read(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = names(store)
    assert main(["clean", "--store", str(store), "--yes"]) == SAME
    assert "freed " in capsys.readouterr().out
    gone = before - names(store)
    assert {name.partition("/")[2] for name in gone} >= {"run.json", "measures-0.json.damaged-1", ".writing-run.json-x"}
    assert not list((store / "decided").iterdir())
    assert not (store / "runs" / ("0" * 20)).exists()
    for folder in (store / "runs").iterdir():
        assert from_spec(json.loads((folder / "run.json").read_text())["run"]).key == folder.name
        assert list(folder.glob("measures-*.json"))
    assert main(["clean", "--store", str(store), "--yes"]) == SAME
    assert "nothing to free" in capsys.readouterr().out


def test_clean_frees_weights_and_all_only_where_that_is_asked_and_leaves_a_run_at_work(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["clean", "--store", str(store), "--yes"])
    busy, other, *_ = sorted((store / "runs").iterdir())
    whole = from_spec(json.loads((busy / "run.json").read_text())["run"]).whole
    with filelock.FileLock(store / "locks" / f"{whole.key}.lock"):
        assert main(["clean", "--store", str(store), "--weights", "--yes"]) == SAME
    assert "1 run left alone, for a session is at work on them" in capsys.readouterr().out
    assert (busy / "weights.safetensors").exists()
    assert not (other / "weights.safetensors").exists()
    assert (other / "run.json").exists()
    assert main(["clean", "--store", str(store), "--all", "--yes"]) == SAME
    assert not list((store / "runs").iterdir())


def test_clean_leaves_a_state_at_equal_training_to_who_is_at_its_run(
    filled: Filled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who trains a run writes its states, too, and holds the lock of the whole run alone."""
    specs = [json.loads(path.read_text())["run"] for path in sorted((filled[0] / "runs").glob("*/run.json"))]
    state = next(run for run in map(from_spec, specs) if run.on_the_way)
    whole, begun = state.whole, tmp_path / "runs" / ("1" * 20)
    shutil.copytree(filled[0] / "runs" / state.key, tmp_path / "runs" / state.key)
    begun.mkdir()
    (tmp_path / "locks").mkdir()
    for folder in (begun, tmp_path / "runs" / state.key):
        (folder / ".writing-weights.safetensors-x").touch()
    before = names(tmp_path)
    with filelock.FileLock(tmp_path / "locks" / f"{whole.key}.lock"):
        assert main(["clean", "--store", str(tmp_path), "--yes"]) == SAME
        assert main(["clean", "--store", str(tmp_path), "--all", "--yes"]) == SAME
    assert capsys.readouterr().out.count("1 run left alone, for a session is at work on them") == 2
    assert names(tmp_path) == before
    assert main(["clean", "--store", str(tmp_path), "--yes"]) == SAME
    assert before - names(tmp_path) == {f"{state.key}/.writing-weights.safetensors-x"}
    os.utime(begun / ".writing-weights.safetensors-x", (0, 0))  # of a process that died long ago
    assert main(["clean", "--store", str(tmp_path), "--yes"]) == SAME
    assert not begun.exists()


def test_a_record_that_is_of_no_run_is_left_as_it_is(store: Path) -> None:
    (odd, *_) = sorted((store / "runs").iterdir())
    (odd / "run.json").write_text('{"run": [1]}')
    assert main(["clean", "--store", str(store), "--yes"]) == SAME
    assert (odd / "run.json").exists()


@pytest.mark.parametrize("command", [("clean",), ("pack", "out"), ("unpack", "x" * 5000), ("doctor",)])
def test_a_name_that_no_folder_can_have_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    store = "store" if command[0] == "unpack" else "x" * 5000
    status = main([*command, "--store", store])
    out, err = capsys.readouterr()
    if command == ("doctor",):
        assert (status, "WRONG  runs cannot be kept in " in out, err) == (1, True, "")
    else:
        assert (status, out, err.count("\n")) == (BAD_INPUT, "", 1)


def test_a_store_that_is_none_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clean", "--store", str(tmp_path)]) == BAD_INPUT
    assert capsys.readouterr().err.endswith(f"{tmp_path}: no store is there; name one with --store\n")


def test_a_report_is_not_drawn_from_a_store_that_has_none_of_its_runs(
    artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would take the place of a page that has them."""
    few(artifacts)
    (tmp_path / "empty" / "runs").mkdir(parents=True)
    page = artifacts / "report.html"
    page.write_text("the page that is there")
    assert main(["report", str(artifacts), "--store", str(tmp_path / "empty")]) == BAD_INPUT
    assert "none of the runs that" in capsys.readouterr().err
    assert page.read_text() == "the page that is there"


def test_networks_that_are_stored_no_longer_are_told(
    artifacts: Path, filled: Filled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few(artifacts)
    store = tmp_path / "part"
    shutil.copytree(filled[0], store)
    runs = read(artifacts)["claims"][0]["runs"]
    shutil.rmtree(store / "runs" / runs[0])
    assert main(["report", str(artifacts), "--store", str(store)]) == DIFFERENT
    assert f"1 of {len(runs)} networks are not stored there, and left out" in capsys.readouterr().out
    assert main(["curves", str(artifacts), "--store", str(store)]) == DIFFERENT
    assert capsys.readouterr().out.startswith("task,")
    output = tmp_path / "curves.csv"
    assert main(["curves", str(artifacts), "--store", str(store), "--output", str(output)]) == DIFFERENT
    assert "1 other of the report's are not stored" in capsys.readouterr().out


def test_a_figure_that_nobody_entered_here_is_told_in_one_line(
    artifacts: Path, filled: Filled, capsys: pytest.CaptureFixture[str]
) -> None:
    few(artifacts)
    report = read(artifacts)
    report["session"]["figures"] = [9, 4000]
    rewrite(artifacts, report)
    assert main(["report", str(artifacts), "--store", str(filled[0])]) == BAD_INPUT
    assert "figure 4000 is none that is known here; --claims must name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["curves", "--output", "curves.xlsx"], "--output curves.xlsx: must end in .csv or .parquet"),
        (["report", "--into", ""], "must be a path, and is empty"),
        (["verify", "--claims", "."], "--claims .: must be a folder in the checkout"),
        (["verify", "--claims", "/etc"], "--claims /etc: must be a folder in the checkout"),
    ],
)
def test_where_nothing_can_be_written_or_found_one_line_says_so(
    artifacts: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    command, *options = arguments
    assert main([command, str(artifacts), *options]) == BAD_INPUT
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error


@pytest.mark.parametrize("command", ["clean", "curves"])
def test_a_record_that_never_ends_or_is_nested_without_end_is_passed_over(
    artifacts: Path, store: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other, *_ = sorted((store / "runs").iterdir())
    for folder in (one, other):
        (folder / "run.json").unlink(missing_ok=True)
    os.mkfifo(one / "run.json")
    (other / "run.json").write_text("[" * 20_000)
    arguments = ["--yes"] if command == "clean" else [str(artifacts), "--output", str(store / "curves.csv")]
    assert main([command, *arguments, "--store", str(store)]) in (SAME, DIFFERENT)
    assert "Traceback" not in capsys.readouterr().err
