"""Real sessions at the edge of what can be measured: each has a defined outcome, and a report that can be read."""

import json
import re
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from projects import Project

# Nine of ten classes, and networks that are no use: one whose answer is always the
# same, and others that answer with what is no number, or with one that is too large for any.
NINE = """
import numpy as np
import torch
from torch import nn

from repro.claims import Reading, Scale, dataset, network, study, task


def read(root, train):
    held = np.load(root / "nine.npz")
    return held["images"], held["labels"]


DATA = dataset("Nine", 1, 8, 160, 20, 180, 0.1, files={"nine.npz": ""}, read=read)


class Answers(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.bias, self.factor = nn.Parameter(torch.ones(10)), factor

    def forward(self, pixels):
        return self.bias * self.factor + 0 * pixels.flatten(1).sum(1, keepdim=True)


class Bright(nn.Flatten):
    def forward(self, pixels):
        return 10 * super().forward(pixels)


def linear(dataset, **_):
    return nn.Sequential(Bright(), nn.Linear(64, 10))


def answering(name, factor):
    return network(name, lambda dataset, **_: Answers(factor))


NETWORKS = (
    network("Linear", linear), answering("Constant", 1.0), answering("NoNumber", float("nan")),
    answering("Infinite", float("inf")), answering("Huge", 3e38),
)
TASKS = [task(network, DATA) for network in NETWORKS]
for one in TASKS:
    study(one, quick=Scale(60, (32, 64), 3, 128, Reading(64, 16, 2, 16)))
"""
CLAIMS = """
from conftest import TASKS
from repro.claims import LAMBDA1, LR_BS, PGD, Curve, Flat, claim


@claim(
    "stays", section="2", says="So it is.", on=TASKS, lines=(),
    curves=lambda task, of: Curve(task, LR_BS(), of), of=(PGD, LAMBDA1), holds_if=Flat,
)
def test_stays(verdict):
    assert verdict.reproduced, verdict.evidence
"""
ONE_OF_EACH = ("--train-images", "1", "--test-images", "1", "--attacked-images", "1", "--hessian-images", "1")


def plain(text: str) -> Any:
    """JSON in which no number is infinite or none."""

    def refused(name: str) -> None:
        raise AssertionError(f"{name} stands in the report")

    return json.loads(text, parse_constant=refused)


@pytest.mark.parametrize(
    "options",
    [("--seeds", "1"), ("--batch-sizes", "64"), ("--seeds", "1", "--batch-sizes", "64", *ONE_OF_EACH)],
    ids=["one seed", "one batch size", "one of everything"],
)
def test_one_seed_batch_size_or_image_is_no_error_and_decides_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.delenv("PLAYED_SECONDS")
    few = ["--epochs", "1", "--train-images", "64", "--test-images", "32", "--attacked-images", "8"]
    few += ["--hessian-images", "8", "--pgd-steps", "1", "--seeds", "2", "--batch-sizes", "32,64"]
    result = project.apart("-n0", "-k", "it-holds or it-is-unsure", *few, *options)
    report = plain((project.folder / "artifacts" / "report.json").read_text())
    assert report["errors"] == []
    assert len(report["claims"]) == 3
    assert {claim["outcome"] for claim in report["claims"]} <= {"undecided", "not learnt"}
    assert result.ret == 0


def test_a_missing_class_and_networks_that_answer_nothing_have_outcomes_in_a_session(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLAYED_SECONDS")
    labels = np.arange(180) % 9
    images = np.zeros((180, 8, 8), np.uint8)
    images[np.arange(180), labels // 3 * 2, labels % 3 * 2] = 255  # each class has a point of its own
    (project.folder / "data").mkdir()
    np.savez(project.folder / "data" / "nine.npz", images=images, labels=labels)
    project.add("own/conftest.py", NINE)
    project.add("own/test_own.py", CLAIMS)
    arguments = ["own", "--quick", "--readings", "sound-attack", "--data-root", "data", "-n0"]
    result = project.pytester.runpytest_subprocess(*arguments)
    report = plain((project.folder / "artifacts" / "report.json").read_text())
    assert report["errors"] == []
    outcomes = {claim["test"].partition("[")[2].rstrip("]"): claim["outcome"] for claim in report["claims"]}
    learnt = {test for test, outcome in outcomes.items() if outcome != "not learnt"}
    assert len(outcomes) == 10
    assert learnt == {"Linear-Nine-PGD", "Linear-Nine-lambda1"}
    assert result.parseoutcomes()["unlearnt"] == 8
    diverged = defaultdict[str, set[bool]](set)
    for path in (project.folder / ".repro" / "store" / "runs").glob("*/run.json"):
        record = plain(path.read_text())
        diverged[record["run"]["task"]].add(record["diverged"])
    none, all_of_them = {False}, {True}
    assert diverged == {
        "Linear-Nine": none,
        "Constant-Nine": none,
        "NoNumber-Nine": all_of_them,
        "Infinite-Nine": all_of_them,
        "Huge-Nine": all_of_them,
    }
    page = (project.folder / "artifacts" / "report.html").read_text("utf-8")
    assert not re.search(r"\b(nan|inf)\b", re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL))
