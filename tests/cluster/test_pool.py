"""Dask's workers as a pool: real schedulers and processes, and parcels that take no time."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import distributed
import pytest
from fleets import CONDITIONS, make, trains

from repro.cluster import ClusterError
from repro.cluster.at_work import Pulse
from repro.cluster.far import FarWorkshop
from repro.cluster.nodes import receive
from repro.cluster.parcels import Made, Parcel
from repro.cluster.pool import LOOK, DaskPool
from repro.cluster.starting import connected
from repro.experiment.datasets import DATASETS
from repro.runs.store import Store
from repro.runs.workshop import Session
from repro.science.data.sources import Source

EMPTY = Parcel((), None, (), {})


def where(_: Parcel, worker: str, __: Pulse) -> Made:
    return Made({}, {}, f"{worker} {os.environ.get('CUDA_VISIBLE_DEVICES')}", {})


def breaks(_: Parcel, __: str, ___: Pulse) -> Made:
    raise RuntimeError("out of\nmemory")


def dies_of_the_first(work: Parcel, _: str, __: Pulse) -> Made:
    if work.jobs[0].run.seed == 0:
        time.sleep(0.5)  # in which the next would have been sent, if one were sent ahead
        os.kill(os.getpid(), signal.SIGKILL)
    return make(work)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[distributed.Client]:
    """Two workers that share one of the GPUs and a user's cache folder, which has nothing in it."""
    cache = str(tmp_path_factory.mktemp("cache"))
    environments = [{"CUDA_VISIBLE_DEVICES": "3", "GPU": "0.5", "XDG_CACHE_HOME": cache, "REPRO_DATA": ""}] * 2
    with connected("local:2", environments) as found:
        yield found


def test_a_worker_sees_its_gpu_alone_and_has_its_share_of_it(client: distributed.Client) -> None:
    pool = DaskPool(client, {}, work=where)
    assert pool.slots() == 2
    seen = {pool.submit(EMPTY).result(60).worker for _ in range(6)}
    assert seen <= {"local-0 3", "local-1 3"}
    shares = {one["resources"]["GPU"] for one in client.scheduler_info()["workers"].values()}
    assert shares == {0.5}


def test_what_breaks_is_told_in_one_line(client: distributed.Client) -> None:
    pool = DaskPool(client, {}, work=breaks)
    pool.slots()
    assert str(pool.submit(EMPTY).exception(60)) == "RuntimeError: out of memory"


def test_the_death_of_a_worker_counts_against_the_run_that_it_made_and_no_other(store: Store) -> None:
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), connected("local:1") as client:
        pool = DaskPool(client, {}, work=dies_of_the_first)
        far = FarWorkshop(store, CONDITIONS, Session([trains(), trains(1)]), pool)
        with pytest.raises(ClusterError, match="seed 0: 2 workers died as they made it"):
            far.obtain([trains()])
        far.obtain([trains(1)])


def test_the_cluster_forgets_what_came_back(client: distributed.Client) -> None:
    pool = DaskPool(client, {}, work=where)
    pool.slots()
    for _ in range(20):
        pool.submit(EMPTY).result(60)
    assert len(client.futures) <= 1  # the last one may be on its way


def looks_until_taken(pool: DaskPool) -> int:
    """How often a pool looked until it had both workers: once, unless a busy machine broke a connection."""
    looks = 1
    while pool.slots() < 2:
        looks += 1
        assert looks < 60
        time.sleep(LOOK)
    return looks


def test_data_that_a_node_lacks_is_sent_to_it_once(
    client: distributed.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in DATASETS["MNIST"].files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    sent: list[str] = []
    run = client.run

    def counted(function: Any, *arguments: Any, **further: Any) -> Any:
        if function is receive:
            sent.append(arguments[1])
        return run(function, *arguments, **further)

    monkeypatch.setattr(client, "run", counted)
    sources = {"MNIST": Source("MNIST", "published", tmp_path)}
    looks = looks_until_taken(DaskPool(client, sources, work=where))
    times = Counter(sent)
    assert {*times} == {*DATASETS["MNIST"].files}
    assert max(times.values()) <= looks
    before = len(sent)
    looks_until_taken(DaskPool(client, sources, work=where))  # another session finds them there
    assert len(sent) == before
