"""A step recorded once as a CUDA graph and then replayed: one launch where there were some fifty.

The networks of the paper are small, so a GPU would wait for Python between kernels. What a step consists of, and why it
can be replayed at all, is in ``steps``. Where recording is refused, the training goes on step by step, and says why.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar, Final, Protocol

import torch

from ...errors import named_line
from .steps import Step

SAID: Final = 220  # letters of an error that are told
REHEARSALS: Final = 3  # steps before recording: libraries set themselves up, momentum comes to be
Replay = Callable[[], object]


class Recorder(Protocol):
    """What records work on a device."""

    def aside(self) -> AbstractContextManager[object]:
        """Where rehearsals run."""

    def record(self, work: Callable[[], None], generators: Iterable[torch.Generator]) -> Replay:
        """Record the work without doing it; what is returned does it."""


class CudaGraphs:
    """Records CUDA graphs. Those of one run share their memory: they never run at the same time.

    They are recorded on the stream that is current when the first of them is wanted, or beside the default stream, on
    which nothing can be recorded. cuBLAS has a workspace for each stream, so members of a cohort, which have a stream
    each, share none.
    """

    # After a recording that failed a process records no more, since PyTorch (2.11) may be left recording; its allocator
    # then asks the graph about it, which must therefore live.
    _failed: ClassVar[list[torch.cuda.CUDAGraph]] = []

    def __init__(self) -> None:
        self._stream: torch.cuda.Stream | None = None
        self._pool = torch.cuda.graph_pool_handle()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """A side stream, which begins after what was launched before and is waited for by what is launched later."""
        if CudaGraphs._failed:
            raise RuntimeError("an earlier recording in this process failed, after which none is tried")
        current = torch.cuda.current_stream()
        if self._stream is None:
            self._stream = torch.cuda.Stream() if current == torch.cuda.default_stream() else current
        self._stream.wait_stream(current)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            current.wait_stream(self._stream)

    def record(self, work: Callable[[], None], generators: Iterable[torch.Generator]) -> Replay:
        graph = torch.cuda.CUDAGraph()
        if hasattr(graph, "register_generator_state"):  # does nothing from PyTorch 2.13 on, and may go
            for generator in generators:
                graph.register_generator_state(generator)
        recording = torch.cuda.graph(graph, pool=self._pool, stream=self._stream)
        try:
            # the outer block brings the current stream back even where a failing recording does not
            with torch.cuda.stream(torch.cuda.current_stream()), recording:
                work()
        except Exception:
            CudaGraphs._failed.append(graph)
            raise
        if self._stream is not None:  # on which generators were readied for the recording, and are for each replay
            torch.cuda.current_stream().wait_stream(self._stream)
        return graph.replay


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
            self.refused = one_line(error)
            self._replays.clear()  # they draw from generators that the failed recording may have spoilt
            step.renew(states)


def one_line(error: BaseException) -> str:
    """What was raised, and what it began with: CUDA's last word is often that something failed before."""
    first = error
    while first.__context__ is not None:
        first = first.__context__
    said = named_line(error)[:SAID]
    return said if first is error else f"{said} (first: {named_line(first)[:SAID]})"
