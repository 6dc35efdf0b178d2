"""A step recorded once as a CUDA graph and then replayed: one launch where there were some fifty.

The networks of the paper are small, so a GPU would wait for Python between kernels. What a step consists of, and why it
can be replayed at all, is in ``steps``. Where recording is refused, the training goes on step by step, and says why.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Final, Protocol

import torch

from .steps import Step

REHEARSALS: Final = 3  # steps before recording: libraries set themselves up, momentum comes to be
Replay = Callable[[], object]


class Recorder(Protocol):
    """What records work on a device."""

    def aside(self) -> AbstractContextManager[object]:
        """Where rehearsals run."""

    def record(self, work: Callable[[], None], generators: Iterable[torch.Generator]) -> Replay:
        """Record the work without doing it; what is returned does it."""


class CudaGraphs:
    """Records CUDA graphs. Those of one run share their memory: they never run at the same time."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()
        self._pool = torch.cuda.graph_pool_handle()

    def aside(self) -> AbstractContextManager[object]:
        return _Aside(self._stream)

    def record(self, work: Callable[[], None], generators: Iterable[torch.Generator]) -> Replay:
        graph = torch.cuda.CUDAGraph()
        for generator in generators:
            graph.register_generator_state(generator)
        # the outer block brings the current stream back even where a failing recording does not
        recording = torch.cuda.graph(graph, pool=self._pool, stream=self._stream)
        with torch.cuda.stream(torch.cuda.current_stream()), recording:
            work()
        return graph.replay


class _Aside:
    """A side stream that begins after what was launched before, and is waited for by what is launched later."""

    def __init__(self, stream: torch.cuda.Stream) -> None:
        self._stream, self._within = stream, torch.cuda.stream(stream)

    def __enter__(self) -> None:
        self._stream.wait_stream(torch.cuda.current_stream())
        self._within.__enter__()

    def __exit__(self, *raised: object) -> None:
        self._within.__exit__(*raised)
        torch.cuda.current_stream().wait_stream(self._stream)


class Captured:
    """A step, recorded when a batch size is first met (an epoch has two: the last batch is smaller), then replayed.

    ``refused``: why a recording was refused, after which steps that are not recorded run as they are.
    """

    def __init__(self, step: Step, recorder: Recorder) -> None:
        self._step, self._recorder = step, recorder
        self._replays: dict[int, Replay] = {}
        self.refused: str | None = None

    def __call__(self, size: int) -> None:
        """Take a step on the next ``size`` images."""
        if size not in self._replays and self.refused is None:
            self._prepare(size)
        replay = self._replays.get(size)
        if replay is None:
            self._step(size)
        else:
            replay()

    def _prepare(self, size: int) -> None:
        """Rehearse and record; whatever happens, the run is where it was."""
        step = self._step
        states = step.random_states()
        try:
            with self._recorder.aside(), step.undisturbed():
                for _ in range(REHEARSALS):
                    step.rehearse(size)
            self._replays[size] = self._recorder.record(lambda: step(size), step.generators.values())
        except Exception as error:  # whatever a driver or a library says: a run that goes on slowly is not lost
            self.refused = _one_line(error)
            self._replays.clear()  # they draw from generators that the failed recording may have spoilt
            step.renew(states)


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
