"""Sessions whose runs are made by the workers of a cluster: real schedulers and processes, real if small training."""

import hashlib
import json
from pathlib import Path

import pytest
from projects import Project

from repro.science.data import surrogate

SMALL = ["--epochs", "2", "--seeds", "2", "--batch-sizes", "16,32", "--train-images", "45"]


@pytest.fixture
def trained(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that trains for real, on a surrogate of 50 and 30 images."""
    monkeypatch.setattr(surrogate, "TRAIN", 50)
    monkeypatch.setattr(surrogate, "TEST", 30)
    monkeypatch.delenv("PLAYED_SECONDS")
    return project


def weights(store: Path) -> dict[str, str]:
    paths = (store / "runs").glob("*/weights.safetensors")
    return {path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def measures(store: Path) -> dict[str, object]:
    paths = (store / "runs").glob("*/measures-*.json")
    return {str(path.relative_to(store)): json.loads(path.read_text())["measures"] for path in paths}


def test_a_cluster_ends_in_the_keys_weights_measures_and_verdicts_of_one_process(trained: Project) -> None:
    found = []
    for where, name in (["-n0"], "here"), (["--cluster", "local:2"], "there"):
        result = trained.apart(*where, "-k", "it-is-drawn or it-is-unsure", *SMALL, "--store", name)
        assert not result.parseoutcomes().keys() & {"errors", "failed"}
        claims = sorted(trained.report()["claims"], key=lambda claim: str(claim["test"]))
        store = trained.folder / name
        found.append(([{**claim, "rerun": ""} for claim in claims], weights(store), measures(store)))
    assert found[0] == found[1]
    assert len(found[0][0]) == 2
    result.stdout.fnmatch_lines(["cluster: local:2, 2 workers"])
    timeline = [json.loads(line) for line in (trained.folder / "artifacts" / "timeline.jsonl").read_text().splitlines()]
    assert {event["worker"] for event in timeline} <= {"local-0", "local-1"}
    assert {event["run"] for event in timeline if event["event"] == "end"} == weights(store).keys()
