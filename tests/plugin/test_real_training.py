"""Sessions in which nothing is played: data, training and measures are real, if small."""

import hashlib
from pathlib import Path

import pytest
import torch._dynamo  # noqa: F401  # SGD does, and a session in this process would have to do it again
from projects import Project

from repro.science import surrogate


@pytest.fixture
def trained(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that trains for real, on a surrogate of 50 and 30 images."""
    monkeypatch.setattr(surrogate, "TRAIN", 50)
    monkeypatch.setattr(surrogate, "TEST", 30)
    surrogate.surrogate("MNIST", project.folder / "cache" / "repro-batch-robustness" / "surrogate")
    monkeypatch.delenv("PLAYED_SECONDS")
    return project


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
