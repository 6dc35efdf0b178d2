"""Dask's workers as a pool: which of them are taken, and what is out on them.

A worker is taken once it has described itself and agrees with the session: then it is given a resource of Dask that is
named after what they agree on, and a run needs one of it. So a worker that joins later waits until it was looked at, a
process makes one run at a time however many threads it has, and sessions of two versions can share a cluster. A run
whose worker died is tried again by Dask's scheduler, as often as its setting ``allowed-failures`` says.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final

import distributed
from distributed.core import Status
from distributed.scheduler import KilledWorker

from ..errors import error_line
from ..science.data.sources import Source
from . import ClusterError, LostError
from .at_work import AtWork, Pulse, Tell, by_worker
from .nodes import GPU, Description, Files, describe, files_of, passport, receive, refusal
from .parcels import Made, Parcel, make_there

LOOK: Final = 1.0  # seconds between looks for new workers, at least

Work = Callable[[Parcel, str, Pulse], Made]
AT_WORK: Final[dict[str, AtWork]] = {}  # in a worker, by the resource of the session


class DaskPool:
    """The workers of a Dask cluster that agree with this session.

    ``say`` is told of those that are refused; ``tell``, about once a second, what each of the others is at.
    """

    def __init__(
        self,
        client: distributed.Client,
        sources: Mapping[str, Source],
        *,
        gpu: bool = False,
        say: Callable[[str], None] = lambda _: None,
        tell: Tell = lambda *_: None,
        work: Work = make_there,
    ) -> None:
        self._client, self._gpu, self._say, self._tell, self._work = client, gpu, say, tell, work
        self._sources = {files_of(source): source for source in sources.values()}
        agreed = hashlib.sha256(repr((passport(), [*self._sources], gpu)).encode()).hexdigest()[:12]
        self._resource = f"repro-{agreed}"
        self._taken: dict[str, float] = {}  # by address, with the share of a GPU
        self.refused: dict[str, str] = {}  # by address, with the reason
        self._out: dict[Future[Made], distributed.Future[Made]] = {}
        self._looked = float("-inf")

    @property
    def files(self) -> tuple[Files, ...]:
        """The session's data sets."""
        return tuple(self._sources)

    def slots(self) -> int:
        """How many workers are taken. LostError: the scheduler is gone."""
        if self._client.status in ("closed", "closing"):
            raise LostError(
                "the cluster's scheduler is lost; what was made is stored, and the same command goes on from there"
            )
        if self._client.status != "running":
            return 0  # Dask is connecting again
        if time.monotonic() - self._looked >= LOOK:
            with suppress(OSError):  # the connection breaks just now, which the next look will see
                self._look()
            self._looked = time.monotonic()
        return len(self._taken)

    def _look(self) -> None:
        """Take workers that have joined and agree with the session, forget those that have left, tell of the rest."""
        there = self._client.scheduler_info(n_workers=-1)["workers"]  # or some versions of Dask tell of five
        self._taken = {address: share for address, share in self._taken.items() if address in there}
        new = {address: one for address, one in there.items() if address not in {*self._taken, *self.refused}}
        described = self._describe(list(new))
        self._send_data({a: one for a, one in described.items() if one.lacks and not self._why_not(one, new[a])})
        agreed = []
        for address, one in described.items():
            if why := self._why_not(one, new[address]):
                self._refuse(address, f"{one.host}: {why}")
            else:
                agreed.append(address)
        if agreed:
            self._client.run(_take, self._resource, workers=agreed)
            self._taken |= {address: new[address]["resources"].get(GPU, 1.0) for address in agreed}
        told = {address: there[address]["metrics"].get(self._resource) for address in self._taken}
        self._tell(len(self._taken), by_worker(told))

    def _describe(self, addresses: list[str]) -> dict[str, Description]:
        """What workers say of themselves; those that cannot are refused."""
        if not addresses:
            return {}
        found = self._client.run(describe, self.files, self._gpu, workers=addresses, on_error="return")
        told = {address: one for address, one in found.items() if isinstance(one, Description)}
        for address in found.keys() - told.keys():
            if not isinstance(found[address], OSError):  # one that has just died is looked at if it comes back
                why = f"{type(found[address]).__name__}: {error_line(found[address])}"
                self._refuse(address, f"it cannot load this version of the project ({why})")
        return told

    def _why_not(self, one: Description, worker: Mapping[str, Any]) -> str:
        return refusal(passport(), one, self._gpu, worker["resources"])

    def _refuse(self, address: str, why: str) -> None:
        self.refused[address] = why
        self._say(f"worker {address} is refused: {why}")

    def _send_data(self, lacking: Mapping[str, Description]) -> None:
        """Send each data set that is lacking once into each cache folder."""
        caches = {(one.host, one.cache, files): address for address, one in lacking.items() for files in one.lacks}
        for (_, _, files), address in caches.items():
            root = self._sources[files].root
            for name, _ in files.hashes:
                self._client.run(receive, files, name, (root / name).read_bytes(), workers=[address])

    def submit(self, work: Parcel) -> Future[Made]:
        """Have a parcel made by a worker; see ``Pool``."""
        share = {GPU: min(self._taken.values(), default=1.0)} if self._gpu else {}
        needs = {self._resource: 1, **share}
        future = self._client.submit(_work, self._work, work, self._resource, pure=False, resources=needs)
        told: Future[Made] = Future()
        self._out[told] = future  # Dask forgets work of which nobody holds the future
        future.add_done_callback(lambda done: self._pass_on(done, told))
        return told

    def _pass_on(self, done: distributed.Future[Made], told: Future[Made]) -> None:
        """Tell what became of a parcel, and let the cluster forget it."""
        del self._out[told]
        try:
            if done.status == "finished":
                told.set_result(done.result())
            elif done.status == "error":
                told.set_exception(_failed(done.exception()))
            else:
                told.set_exception(LostError("the connection to the cluster's scheduler broke"))
        except BaseException as error:  # the result was lost on its way
            told.set_exception(LostError(f"a result did not arrive ({error_line(error)})"))
        finally:
            done.release()


def _failed(error: BaseException) -> ClusterError:
    """What is told of a parcel that was not made, though its worker was there."""
    if isinstance(error, LostError):
        return error
    if isinstance(error, KilledWorker):
        times = error.allowed_failures + 1
        return ClusterError(
            f"{times} workers died as they made it, the last on {error.last_worker.address}: "
            "they were killed, had too little memory, or lost their GPU"
        )
    return ClusterError(f"{type(error).__name__}: {error_line(error)}")


def _work(work: Work, parcel: Parcel, resource: str) -> Made:
    """In the worker: make a parcel, under the worker's own name."""
    worker = distributed.get_worker()
    name = worker.name if isinstance(worker.name, str) else worker.address
    AT_WORK[resource] = AtWork(name)
    try:
        return work(parcel, name, AT_WORK[resource].pulse)
    finally:
        del AT_WORK[resource]


def _at_work(resource: str) -> dict[str, Any]:
    """In the worker: what it is at."""
    at = AT_WORK.get(resource)
    return at.told() if at is not None else {}


async def _take(resource: str, dask_worker: distributed.Worker) -> None:
    """In the worker: have one of the resource that a session's runs need.

    The scheduler looks for work that waits for a worker when one joins or goes on after a pause, but not when one gets
    a resource; so the worker pauses for a moment. From now on its heartbeats tell what it is at.
    """
    dask_worker.metrics[resource] = lambda _: _at_work(resource)
    if resource not in dask_worker.state.total_resources:
        await dask_worker.set_resources(**{resource: 1})
        dask_worker.status = Status.paused
        dask_worker.status = Status.running
