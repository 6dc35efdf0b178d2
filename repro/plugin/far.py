"""The cluster of a session: reached when something is missing, left when the session ends."""

import os
from collections.abc import Callable
from contextlib import ExitStack

from ..cluster import ClusterError
from ..cluster.at_work import Tell
from ..cluster.far import FarWorkshop
from ..cluster.pool import DaskPool
from ..cluster.starting import LOCAL, connected
from ..runs.conditions import Conditions
from ..runs.store import Store
from ..runs.workshop import Session
from ..science.computing.memory import GPU_SHARE, TENSORS
from . import gpus
from .settings import Settings


class Far:
    """A session's connection to its cluster. SettingError: it cannot be reached; ClusterError: all workers differ."""

    def __init__(
        self, settings: Settings, conditions: Conditions, say: Callable[[str], None], tell: Tell, *, gpu: bool
    ) -> None:
        assert settings.cluster is not None
        self._held = ExitStack()
        client = self._held.enter_context(connected(settings.cluster, environments(settings) if gpu else []))
        try:
            self._pool = DaskPool(client, conditions.sources, gpu=gpu, say=say, tell=tell)
            self.slots = self._pool.slots()
            if not self.slots and self._pool.refused:
                address, why = next(iter(self._pool.refused.items()))
                raise ClusterError(f"--cluster {settings.cluster}: no worker can be taken; worker {address}: {why}")
        except BaseException:
            self._held.close()
            raise

    def workshop(self, store: Store, conditions: Conditions, session: Session) -> FarWorkshop:
        """Where the session gets its runs made."""
        return FarWorkshop(store, conditions, session, self._pool, self._pool.files)

    def close(self) -> None:
        """Leave the cluster; one that was started for this session ends."""
        self._held.close()


def environments(settings: Settings) -> list[dict[str, str]]:
    """The variables of each worker of a local cluster with GPUs: which it sees, and its share of it as ``GPU``."""
    if not (settings.cluster or "").startswith(LOCAL):
        return []
    count, devices = int((settings.cluster or "").removeprefix(LOCAL)), gpus.require_cuda()
    found = []
    for worker in range(count):
        own = {name: os.environ[name] for name in ("CUDA_VISIBLE_DEVICES",) if name in os.environ}
        gpus.choose(worker, count, devices, own)
        share = float(own[GPU_SHARE]) / TENSORS
        found.append({**own, "GPU": f"{share:.4f}"})
    return found
