"""Sessions in which nothing is played: data, training and measures are real, if small."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import torch._dynamo  # noqa: F401  # SGD does, and a session in this process would have to do it again
from projects import Project

from repro.science.data import surrogate


@pytest.fixture
def trained(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that trains for real, on a surrogate of 50 and 30 images."""
    monkeypatch.setattr(surrogate, "TRAIN", 50)
    monkeypatch.setattr(surrogate, "TEST", 30)
    surrogate.surrogate("MNIST", project.folder / "cache" / "repro-batch-robustness" / "surrogate")
    monkeypatch.delenv("PLAYED_SECONDS")
    return project


def test_runs_and_their_checkpoints_are_trained_once_by_one_process_or_two(trained: Project) -> None:
    """LR takes three steps an epoch at batch size 16 and two at 32, so it is measured after four at 16 too."""
    found = []
    for processes in ("-n0", "-n2"):
        options = ["--epochs", "2", "--seeds", "2", "--batch-sizes", "16,32", "--train-images", "45", "--store"]
        result = trained.run(processes, "-k", "it-is-drawn", *options, processes[1:])
        assert not result.parseoutcomes().keys() & {"errors", "failed"}
        result.stdout.fnmatch_lines(["1 claim test on 1 curve needs 4 runs and 2 checkpoints of them, 0 trained, *"])
        records = [json.loads(path.read_text()) for path in (trained.folder / processes[1:]).glob("runs/*/run.json")]
        told = [(r["run"]["batch_size"], r["run"]["steps"], r["steps"], r["seconds"] is None) for r in records]
        # a checkpoint took no time of its own: it was stored on the way of its run
        assert sorted(told, key=str) == sorted(
            [(16, 4, 4, True), (16, None, 6, False), (32, None, 4, False)] * 2, key=str
        )
        (claim,) = trained.report()["claims"]
        assert claim["equal_amount"]["amount"] == "T = 0.04"
        assert claim["equal_amount"]["trained_less"] is True
        assert "at equal training amount (T = 0.04): " in claim["evidence"]
        page = (trained.folder / "artifacts" / "report.md").read_text()
        assert re.search(r"come out otherwise: at equal training [01] of 1", page)
        found.append(({**claim, "rerun": ""}, weights(trained.folder / processes[1:])))
    assert found[0] == found[1]
    assert len(set(found[0][1].values())) == 6


def weights(store: Path) -> dict[str, str]:
    paths = (store / "runs").glob("*/weights.safetensors")
    return {path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_one_process_and_two_end_in_the_same_weights_and_verdicts(trained: Project) -> None:
    found = []
    for processes in ("-n0", "-n2"):
        options = ["--epochs", "2", "--seeds", "2", "--batch-sizes", "16,32", "--store"]
        result = trained.run(processes, "-k", "it-holds and StdCNN-MNIST or it-is-unsure", *options, processes[1:])
        assert not result.parseoutcomes().keys() & {"errors", "failed"}
        claims = sorted(trained.report()["claims"], key=lambda claim: str(claim["test"]))
        found.append(([{**claim, "rerun": ""} for claim in claims], weights(trained.folder / processes[1:])))
    assert found[0] == found[1]
    claims, stored = found[0]
    assert [claim["id"] for claim in claims] == ["it-is-unsure", "it-holds"]
    assert set(stored) == set(claims[0]["runs"]) == set(claims[1]["runs"])
    assert len(set(stored.values())) == 4
