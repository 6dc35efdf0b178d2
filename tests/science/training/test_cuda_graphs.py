"""What is done with CUDA graphs, played without CUDA: which stream, which memory, what a broken recording leaves.

The played parts keep the rules of PyTorch's own: a capture has one current stream, the allocator gives out a pool's
memory until it is told to stop, and generators of a capture that did not end stay in it.
"""

import gc
import weakref
from typing import Any

import pytest
import torch
from torch import nn

from repro.experiment.recipes import SGD
from repro.science.training.graphs import Captured, CudaGraphs
from repro.science.training.settings import TrainingSettings
from repro.science.training.steps import Step
from repro.science.training.training import Training

DEFAULT = "default stream"


class Cuda:
    """The calls that are made of torch.cuda; ``breaks`` is what ends a capture badly."""

    def __init__(self) -> None:
        self.current, self.streams, self.pools = DEFAULT, 0, 0
        self.recording: list[object] = []  # pools whose memory is given out
        self.recorded: list[tuple[object, object]] = []  # on which stream and in which pool a capture ended well
        self.default_generator_captured = False
        self.breaks: Exception | None = None

    def new_stream(self) -> Any:
        self.streams += 1
        return Stream(self, f"stream {self.streams}")

    def pool(self) -> int:
        self.pools += 1
        return self.pools

    def stream(self, chosen: Any) -> "Current":
        return Current(self, chosen)

    def graph(self, _: "Graph", pool: object = None, stream: object = None) -> "Capture":
        return Capture(self, pool, stream)

    def begin(self, pool: object) -> None:
        self.recording.append(pool)
        self.default_generator_captured = True

    def end(self, pool: object, stream: object) -> None:
        if self.breaks is not None:
            raise self._broken()  # as PyTorch 2.11 does, before anything is tidied
        self.recording.remove(pool)
        self.default_generator_captured = False
        self.recorded.append((stream, pool))

    def _broken(self) -> Exception:
        assert self.breaks is not None
        raised, self.breaks = self.breaks, None
        return raised

    def end_pool(self, _: int, pool: object) -> None:
        self.recording.remove(pool)


class Current:
    """A stream is current within it."""

    def __init__(self, cuda: Cuda, chosen: Any) -> None:
        self.cuda, self.chosen = cuda, chosen

    def __enter__(self) -> None:
        self.before, self.cuda.current = self.cuda.current, self.chosen

    def __exit__(self, *_: object) -> None:
        self.cuda.current = self.before


class Capture:
    """A capture, which leaves its stream current where it cannot be ended."""

    def __init__(self, cuda: Cuda, pool: object, stream: object) -> None:
        self.cuda, self.pool, self.stream = cuda, pool, Current(cuda, stream)

    def __enter__(self) -> None:
        self.stream.__enter__()
        self.cuda.begin(self.pool)

    def __exit__(self, *_: object) -> None:
        self.cuda.end(self.pool, self.stream.chosen)
        self.stream.__exit__()


class Stream:
    def __init__(self, cuda: Cuda, name: str) -> None:
        self.cuda, self.name = cuda, name

    def wait_stream(self, other: object) -> None:
        pass


class Graph:
    def register_generator_state(self, generator: torch.Generator) -> None:
        pass

    def replay(self) -> None:
        pass


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    played, zeros = Cuda(), torch.zeros
    default = Stream(played, DEFAULT)
    played.current = default  # type: ignore[assignment]
    changes = {
        "Stream": played.new_stream,
        "graph_pool_handle": played.pool,
        "current_stream": lambda: played.current,
        "default_stream": lambda: default,
        "current_device": lambda: 0,
        "stream": played.stream,
        "graph": played.graph,
        "CUDAGraph": Graph,
    }
    for name, value in changes.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", played.end_pool, raising=False)
    monkeypatch.setattr(torch._C, "_cuda_releasePool", lambda *_: None, raising=False)
    monkeypatch.setattr(torch, "zeros", lambda *size, **rest: zeros(*size, **{**rest, "device": "cpu"}))
    monkeypatch.setattr(CudaGraphs, "broken_off", None)
    monkeypatch.setattr(CudaGraphs, "_lost", [])
    return played


def step_of() -> Step:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 10))
    images, labels = torch.rand(12, 1, 2, 2), torch.arange(12) % 10
    step = Step(model, images, labels, TrainingSettings(sgd=SGD(0.1, 0.9), batch_size=4, epochs=1, seed=0))
    step.begin_epoch(torch.arange(12), 0.1)
    return step


def test_a_run_on_the_default_stream_is_recorded_beside_it_and_all_its_graphs_share_stream_and_memory(
    cuda: Cuda,
) -> None:
    captured = Captured(step_of(), CudaGraphs())
    for size in (4, 4, 3):
        captured(size)
    assert captured.refused is None
    (one, its_pool), (other, other_pool) = cuda.recorded
    assert one is other
    assert one is not torch.cuda.default_stream()
    assert its_pool == other_pool
    assert torch.cuda.current_stream() is torch.cuda.default_stream()


def test_members_of_a_cohort_are_recorded_on_their_own_streams(cuda: Cuda) -> None:
    """As many streams as members, of the 32 that PyTorch deals out in turn: none is met twice."""
    members = [(Captured(step_of(), CudaGraphs()), torch.cuda.Stream()) for _ in range(3)]
    for _ in range(2):
        for captured, lane in members:
            with torch.cuda.stream(lane):
                captured(4)
    assert [stream for stream, _ in cuda.recorded] == [lane for _, lane in members]
    assert len({pool for _, pool in cuda.recorded}) == 3
    assert cuda.streams == 3


def test_a_recording_that_cuda_breaks_off_is_told_with_its_cause_and_leaves_nothing_recording(cuda: Cuda) -> None:
    step = step_of()
    captured = Captured(step, CudaGraphs())
    forward = step.model.forward

    def broken(x: torch.Tensor) -> torch.Tensor:
        if cuda.recording and cuda.breaks is None and CudaGraphs.broken_off is None:
            cuda.breaks = RuntimeError("operation failed due to a previous error during capture")
            raise ValueError("operation not permitted when stream is capturing")
        return forward(x)

    step.model.forward = broken
    captured(4)
    assert captured.refused == (
        "RuntimeError: operation failed due to a previous error during capture "
        "(first: ValueError: operation not permitted when stream is capturing)"
    )
    assert cuda.recording == []
    assert not cuda.default_generator_captured
    assert torch.cuda.current_stream() is torch.cuda.default_stream()
    assert len(CudaGraphs._lost) == 1  # the allocator may ask it still


def test_after_that_no_run_of_the_process_tries_again_and_each_says_why(cuda: Cuda) -> None:
    cuda.breaks = RuntimeError("invalidated")
    Captured(step_of(), CudaGraphs())(4)
    recorded = len(cuda.recorded)
    other = Captured(step_of(), CudaGraphs())
    other(4)
    assert (
        other.refused == "RuntimeError: an earlier recording in this process was broken off: RuntimeError: invalidated"
    )
    assert len(cuda.recorded) == recorded
    assert cuda.breaks is None


def test_work_that_breaks_in_a_recording_that_ends_well_is_tried_again_by_the_next_run(cuda: Cuda) -> None:
    step = step_of()

    def broken(x: torch.Tensor) -> torch.Tensor:
        if cuda.recording:
            raise ValueError("out of memory")
        return nn.Sequential.forward(step.model, x)

    step.model.forward = broken
    captured, other = Captured(step, CudaGraphs()), Captured(step_of(), CudaGraphs())
    captured(4)
    other(4)
    assert captured.refused == "ValueError: out of memory"
    assert other.refused is None


@pytest.mark.parametrize("breaking", [False, True], ids=["refused", "broken off"])
def test_a_refused_recording_keeps_nothing_of_its_step_alive(cuda: Cuda, breaking: bool) -> None:
    """What holds an old graph of a step makes the next backward pass wait for that graph's stream."""
    step, held = step_of(), []

    def broken(x: torch.Tensor) -> torch.Tensor:
        hidden = x + 1
        if cuda.recording and not CudaGraphs.broken_off:
            held.append(weakref.ref(hidden))
            cuda.breaks = RuntimeError("invalidated") if breaking else None
            raise ValueError("out of memory")
        return nn.Sequential.forward(step.model, hidden)

    step.model.forward = broken
    gc.disable()
    try:
        Captured(step, CudaGraphs())(4)
        assert [reference() for reference in held] == [None]
    finally:
        gc.enable()


def test_a_training_that_is_over_keeps_no_gradients_which_may_lie_in_the_memory_of_graphs() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 10))
    data = torch.rand(12, 1, 2, 2), torch.arange(12) % 10
    training = Training(model, *data, TrainingSettings(sgd=SGD(0.1, 0.0), batch_size=4, epochs=1, seed=0))
    training.advance()
    assert all(p.grad is not None for p in model.parameters())
    training.close()
    assert all(p.grad is None for p in model.parameters())
