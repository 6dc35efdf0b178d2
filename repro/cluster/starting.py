"""The cluster that --cluster names: one that is there, one on this machine, or one that a file describes."""

import importlib
import logging
import tomllib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import dask
import distributed

from ..errors import SettingError, error_line
from ..files.text import read_text

LOCAL: Final = "local:"
SCHEMES: Final = ("tcp://", "tls://")
KINDS: Final = {"slurm": ("dask_jobqueue", "SLURMCluster"), "cuda": ("dask_cuda", "LocalCUDACluster")}
SETTINGS: Final = {
    # A run that is tried again elsewhere needs what it is made from, so weights travel with it: Dask's warning of large
    # graphs, which advises to leave them on one worker, does not hold.
    "distributed.admin.large-graph-warning-threshold": "4 GiB",
    # A worker looks a hundred times a second at what its threads do, and fifty times whether its loop lags, for a page
    # that nobody looks at: that took 12% beside the time of a training. Workers that are begun here do without.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
}


@contextmanager
def connected(cluster: str, environments: Sequence[Mapping[str, str]] = ()) -> Iterator[distributed.Client]:
    """A client of the cluster that an option names; one that was started here ends with the block.

    ``environments`` are the variables of each worker of a local cluster. SettingError: there is no such cluster.
    """
    with ExitStack() as held:
        held.enter_context(dask.config.set(SETTINGS))
        if cluster.startswith(SCHEMES):
            address: Any = cluster
        elif cluster.startswith(LOCAL):
            address = held.enter_context(_local(int(cluster.removeprefix(LOCAL)), environments))
        else:
            address = held.enter_context(_described(Path(cluster)))
        yield held.enter_context(_client(address, cluster))


@contextmanager
def _client(address: Any, cluster: str) -> Iterator[distributed.Client]:
    try:
        with warnings.catch_warnings():  # of packages that differ; those that matter are looked at worker by worker
            warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
            client = distributed.Client(address, set_as_default=False, security=_security(cluster))
    except (OSError, ValueError, TypeError) as error:
        raise SettingError(f"--cluster {cluster}: no scheduler could be reached there ({error_line(error)})") from None
    try:
        yield client
    finally:
        client.close()


def _security(cluster: str) -> Any:
    """Certificates as Dask's configuration names them, for an address that asks for them."""
    return distributed.Security() if cluster.startswith("tls://") else None


@contextmanager
def _local(count: int, environments: Sequence[Mapping[str, str]]) -> Iterator[Any]:
    """A cluster of processes on this machine, reachable from this machine alone."""
    # no limit of memory: Dask would pause and kill a worker by what torch holds, of which it knows nothing
    options = {"nthreads": 1, "memory_limit": 0, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    options["silence_logs"] = logging.ERROR
    given = environments or [{}] * count
    workers = {
        f"local-{number}": {"cls": distributed.Nanny, "options": {**options, **_for(environment)}}
        for number, environment in enumerate(given)
    }
    own = {"host": "127.0.0.1", "port": 0, "dashboard_address": "127.0.0.1:0"}
    scheduler = {"cls": distributed.Scheduler, "options": own}
    with distributed.SpecCluster(workers=workers, scheduler=scheduler, silence_logs=logging.ERROR) as cluster:
        yield cluster


def _for(environment: Mapping[str, str]) -> dict[str, Any]:
    """A worker's options: its variables, and the share of a GPU that is among them."""
    variables = dict(environment)
    share = variables.pop("GPU", None)
    return {"env": variables, **({"resources": {"GPU": float(share)}} if share else {})}


@contextmanager
def _described(path: Path) -> Iterator[Any]:
    """The cluster that a TOML file describes: its kind, how many workers, and what the kind's own class takes."""
    try:
        described = tomllib.loads(read_text(path))
        kind, workers, options = described.pop("kind"), described.pop("workers"), described.pop("options", {})
    except FileNotFoundError:
        raise SettingError(
            f"--cluster {path}: must be tcp://HOST:PORT, tls://HOST:PORT, local:N or a TOML file; there is no such file"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise SettingError(f"--cluster {path}: must be TOML with kind and workers ({error_line(error)})") from None
    right = kind in [*KINDS] and type(workers) is int and workers > 0 and isinstance(options, dict)
    if described or not right:
        raise SettingError(
            f"--cluster {path}: must have kind ({' or '.join(KINDS)}), workers (a number) and perhaps a table options"
        )
    package, name = KINDS[kind]
    try:
        made = getattr(importlib.import_module(package), name)
    except ImportError:
        raise SettingError(f"--cluster {path}: needs {package}; pip install {package.replace('_', '-')}") from None
    try:
        begun = made(**options)
    except (TypeError, ValueError) as error:
        raise SettingError(f"--cluster {path}: options are what {package}.{name} takes ({error_line(error)})") from None
    with begun as cluster:
        cluster.scale(workers)
        yield cluster
