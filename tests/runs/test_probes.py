from pathlib import Path
from typing import Any

import pytest
import torch

from repro.experiment.regimes import PAPER, QUICK
from repro.experiment.tasks import RESNET18_CIFAR10, STDCNN_MNIST, TASKS
from repro.runs import probes
from repro.runs.probes import LADDERS, NETWORKS, SHARES, Bench, climb, measure
from repro.runs.rates import TIMINGS
from repro.runs.store import Store


class Clock:
    """A time that passes only where work is done."""

    def __init__(self) -> None:
        self.time, self.calls = 0.0, []  # type: ignore[var-annotated]

    def perf_counter(self) -> float:
        return self.time

    def probe(self, images: int) -> float:
        """A second an image, and three to begin with; ten more for the first call of all."""
        self.calls.append(images)
        self.time += 3 + images + 10 * (len(self.calls) == 1)
        return 3 + images + 10 * (len(self.calls) == 1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(probes, "time", clock)
    return clock


def test_a_ladder_is_climbed_as_far_as_time_allows_and_first_calls_do_not_count(clock: Clock) -> None:
    found = climb(clock.probe, (1, 4, 16, 64, 256), 400.0)
    assert found.points == ((1, 4.0), (4, 7.0), (16, 19.0), (64, 67.0))
    assert clock.time <= 400


def test_two_rungs_are_climbed_whatever_they_take(clock: Clock) -> None:
    assert climb(clock.probe, (1, 4, 16), 0.0).points == ((1, 14.0), (4, 7.0))
    assert clock.calls == [1, 4]


def test_time_that_is_left_is_not_spent_on_calls_that_teach_nothing(clock: Clock) -> None:
    climb(clock.probe, (1,), 1e9)
    assert len(clock.calls) == 1 + probes.CALLS


@pytest.mark.parametrize("kind", SHARES)
def test_each_probe_does_its_work_and_takes_longer_for_more_of_it(tmp_path: Path, kind: str) -> None:
    store = Store(tmp_path)
    store.prepare()
    probe = getattr(Bench(STDCNN_MNIST, 64, "cpu", tmp_path), kind)
    probe(LADDERS[kind][0])
    few = min(probe(LADDERS[kind][0]) for _ in range(5))
    assert few > 0
    if len(LADDERS[kind]) > 1:
        assert min(probe(16 * LADDERS[kind][0]) for _ in range(3)) > 2 * few


def test_all_networks_of_the_paper_are_measured_in_about_the_time_given(monkeypatch: pytest.MonkeyPatch) -> None:
    narrower = tuple((task, width // 2 if task is RESNET18_CIFAR10 else width) for task, width in NETWORKS)
    monkeypatch.setattr(probes, "NETWORKS", narrower)
    monkeypatch.setattr(probes, "LADDERS", {kind: (ladder[0] // 8 or 1,) for kind, ladder in LADDERS.items()})
    precisions: set[str] = set()
    kept = Bench.kept
    cudnn: Any = torch.backends.cudnn
    noting = lambda bench, n: precisions.add(cudnn.conv.fp32_precision) or kept(bench, n)  # noqa: E731
    monkeypatch.setattr(Bench, "kept", noting)
    found = measure(1.0, "cpu")
    assert precisions == {"ieee"}  # as sessions train and measure
    assert set(found) == {task.architecture for task in TASKS.values()}
    for widths in found.values():
        for speed in widths.values():
            assert all(getattr(speed, name).at(64) > 0 for name in TIMINGS)
            assert speed.fixed > 0
            assert speed.kept > 0


def test_every_network_is_measured_as_wide_as_the_papers_and_as_the_quick_regimes() -> None:
    wanted = {(task.architecture, PAPER.scale(task).width) for task in TASKS.values()}
    wanted |= {
        (task.architecture, QUICK.scale(task).width) for task in TASKS.values() if task.architecture == "ResNet18"
    }
    assert {(task.architecture, width) for task, width in NETWORKS} == wanted
