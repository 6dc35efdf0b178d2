"""``repro audit``, with networks that are really trained, if small."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from doors import BAD_INPUT, DIFFERENT, SAME
from msgspec import to_builtins
from worlds import case_of

from repro.cli import main
from repro.errors import SettingError
from repro.experiment.readings import Reading
from repro.experiment.recipes import LR
from repro.experiment.regimes import Regime, Scale
from repro.experiment.tasks import STDCNN_MNIST
from repro.report.bundle import FORMAT, session_of
from repro.runs.conditions import Conditions
from repro.runs.integrity import CHECKSUM, WEIGHTS, signed
from repro.runs.run import Job, Run
from repro.runs.store import Store
from repro.runs.trainer import make
from repro.science.data import surrogate
from repro.science.data.sources import Source, cache_folder
from repro.statistics.trends import Drops
from repro.statistics.units import points
from repro.verdicts.curves import FGSM, Curve
from repro.verdicts.deciding import judge

pytestmark = pytest.mark.usefixtures("own_threads")

READING = Reading(30, 8, 2, 16)
SCALE = Scale(epochs=2, batch_sizes=(16, 32), seeds=2, train_images=45, reading=READING)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A report on four runs of StdCNN, two states of them included, on a surrogate of 50 and 30 images."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(surrogate, "TRAIN", 50)
    monkeypatch.setattr(surrogate, "TEST", 30)
    return publish(tmp_path / "artifacts", "cpu")


def publish(folder: Path, device: str) -> Path:
    """A report on runs that are told to be of a device; they are made on the processor all the same."""
    source = Source("MNIST", "surrogate", cache_folder() / "surrogate")
    where = Conditions(Regime("tiny", {str(STDCNN_MNIST): SCALE}), {"MNIST": source}, device)
    case = case_of(Curve(STDCNN_MNIST, LR(), FGSM), holds_if=Drops(points(5)))
    store = Store(folder / "store")
    store.prepare()
    for job in case.jobs(where):
        if job.kind != "transfer":
            made(job, store, where)
    claim = to_builtins(judge(case, store, where).entry())
    told = to_builtins(session_of(where, command="pytest claims", seconds=1.0, store="store"))
    report = {"format": FORMAT, "session": told, "claims": [claim], "errors": []}
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def made(job: Job, store: Store, where: Conditions) -> None:
    here = replace(job.run, device="cpu")
    make(here, job.reading, store, where)
    if here != job.run:
        record, measures = store.record(here), store.measures(here, job.reading)
        assert record is not None
        assert measures is not None
        store.put_run(job.run, {**record, "run": job.run.spec}, lambda path: shutil.copy(store.weights(here), path))
        store.put_measures(job.run, job.reading, measures)


def alter(folder: Path, **changes: float) -> None:
    """Publish other measures than were taken, as one who signs them would; without changes none."""
    for path in (folder / "store" / "runs").glob("*/measures-*.json"):
        content = json.loads(path.read_text())
        del content[CHECKSUM]
        if "fgsm_accuracy" in content["measures"]:
            content["measures"] = {**content["measures"], **changes} if changes else {}
        path.write_text(json.dumps(signed(content, f"{path.parent.name}/{path.name}")))


def test_runs_that_are_what_was_published_come_out_the_same(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(published), "--runs", "2", "--seed", "7"]) == SAME
    text = capsys.readouterr().out
    assert text.startswith("2 runs of 4, drawn with --seed 7\n")
    assert text.count("the same weights") == 2
    assert "all 2 are what was published; had 4 or more of the 4 been wrong" in text or "had 3 or more" in text
    assert main(["audit", str(published), "--runs", "2", "--seed", "7"]) == SAME
    assert capsys.readouterr().out == text


def test_a_report_without_its_weights_is_audited_by_their_checksums(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for weights in published.glob("store/runs/*/weights.safetensors"):
        weights.unlink()
    assert main(["audit", str(published), "--runs", "2", "--seed", "7"]) == SAME
    assert capsys.readouterr().out.count("the same weights") == 2


def test_a_record_of_before_there_were_checksums_is_audited_by_the_weights_beside_it(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in published.glob("store/runs/*/*.json"):
        content = json.loads(path.read_text())
        del content[CHECKSUM], content[WEIGHTS]
        path.write_text(json.dumps(signed(content, f"{path.parent.name}/{path.name}")))
    assert main(["audit", str(published), "--runs", "2", "--seed", "7"]) == SAME
    assert capsys.readouterr().out.count("the same weights") == 2


def test_states_on_the_way_are_audited_by_themselves(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(published), "--states", "--runs", "2"]) == SAME
    text = capsys.readouterr().out
    assert text.count(" to step ") == 2
    assert "drawn with --seed " in text


def test_states_that_nothing_was_measured_of_are_not_drawn(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Such as a longer training left behind: no verdict rests on them."""
    states = [path for path in published.glob("store/runs/*/run.json") if json.loads(path.read_text())["run"]["steps"]]
    for measures in states[0].parent.glob("measures-*.json"):
        measures.unlink()
    assert main(["audit", str(published), "--states", "--runs", "1"]) == SAME
    assert capsys.readouterr().out.startswith("1 run of 1, drawn with ")
    assert main(["audit", str(published), "--states", "--runs", "2"]) == BAD_INPUT
    assert "must be from 1 to 1, what there is to draw from" in capsys.readouterr().err


def test_a_measure_that_was_altered_is_caught(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alter(published, fgsm_accuracy=0.5)
    assert main(["audit", str(published), "--runs", "1", "--seed", "0"]) == DIFFERENT
    text = capsys.readouterr().out
    assert text.count("DIFFERS") == 1
    assert "1 of 1 are not what was published" in text


def test_more_runs_than_there_are_cannot_be_drawn(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(published), "--runs", "5"]) == BAD_INPUT
    assert (
        capsys.readouterr().err == "python -m repro audit: --runs 5: must be from 1 to 4, what there is to draw from\n"
    )


def test_runs_that_diverged_are_audited_like_others(
    published: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alter(published)
    assert main(["audit", str(published), "--runs", "1"]) == DIFFERENT
    assert "test_accuracy       published     none, anew " in capsys.readouterr().out
    monkeypatch.setattr(Store, "checksum_of_weights", lambda *_: object())  # as on another kind of processor
    assert main(["audit", str(published), "--runs", "1"]) == BAD_INPUT
    err = capsys.readouterr().err
    assert (err.count("\n"), "no batch size of its task has two seeds" in err) == (1, True)
    monkeypatch.setattr("repro.runs.trainer.measure", lambda *_, **__: {})
    assert main(["audit", str(published), "--runs", "1"]) == SAME
    assert "nothing could be measured of it, as it was published" in capsys.readouterr().out


def test_runs_of_a_gpu_are_made_again_on_a_cpu_where_there_is_none(
    published: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    of_a_gpu = publish(published.parent / "gpu", "cuda")
    assert main(["audit", str(of_a_gpu), "--runs", "2"]) == SAME
    assert capsys.readouterr().out.count("the same weights, trained on a GPU and made again on a CPU\n") == 2
    alter(of_a_gpu, fgsm_accuracy=0.5)
    assert main(["audit", str(of_a_gpu), "--runs", "1"]) == DIFFERENT
    assert main(["audit", str(of_a_gpu), "--runs", "5"]) == BAD_INPUT
    assert "--runs 5: must be from 1 to 4" in capsys.readouterr().err


def test_runs_of_a_gpu_are_made_again_on_a_gpu_where_there_is_one(
    published: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(run: Run, *_: object) -> None:
        raise SettingError(f"made on {run.device}")

    of_a_gpu = publish(published.parent / "gpu", "cuda")
    monkeypatch.setattr("repro.cli.audit.visible", lambda: 1)
    monkeypatch.setattr("repro.runs.trainer.make", told)
    for folder, device in ((of_a_gpu, "cuda"), (published, "cpu")):
        assert main(["audit", str(folder), "--runs", "1"]) == BAD_INPUT
        assert capsys.readouterr().err.endswith(f"made on {device}\n")


def test_other_weights_among_so_few_seeds_that_nothing_could_be_told_are_not_called_the_published_ones(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the run that is drawn one batch size has two seeds: with one degree of freedom anything would pass."""
    for path in published.glob("store/runs/*/*.json"):
        content = json.loads(path.read_text())
        del content[CHECKSUM]
        path.write_text(json.dumps(signed(content | {WEIGHTS: "0" * 64}, f"{path.parent.name}/{path.name}")))
    for weights in published.glob("store/runs/*/weights.safetensors"):
        weights.unlink()
    assert main(["audit", str(published), "--runs", "1", "--seed", "0"]) == SAME
    text = capsys.readouterr().out
    assert "other weights" in text
    assert text.count("cannot tell") >= 1
    assert "measures seeds scatter so much that this cannot be told" in text
