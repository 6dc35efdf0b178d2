"""Real schedulers and workers of Dask, each a process of its own, as a user would start them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 120.0  # seconds for a process to come up on a busy machine


@dataclass
class Processes:
    """The processes of a cluster, begun one by one; all are killed in the end."""

    folder: Path
    begun: list[subprocess.Popen[bytes]] = field(default_factory=list)
    address: str = ""

    def scheduler(
        self, *options: str, within: Sequence[str] = (), host: str = "127.0.0.1", **environment: str
    ) -> subprocess.Popen[bytes]:
        """Begin the scheduler and wait until it can be reached; its address is then ``address``."""
        file = self.folder / "scheduler.json"
        words = ["scheduler", "--host", host, "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        process = self._begin("scheduler", [*within], [*words, *options], environment)
        self.address = until(lambda: json.loads(file.read_text())["address"], FileNotFoundError, ValueError)
        return process

    def worker(self, name: str, *options: str, within: Sequence[str] = (), **environment: str) -> None:
        """Begin a worker of one thread with a folder of its own, and no nanny that would begin it anew."""
        own = self.folder / name
        own.mkdir()
        words = ["worker", self.address, "--name", name, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        words += ["--memory-limit", "0", "--local-directory", str(own), *options]
        self._begin(name, [*within], words, {"TMPDIR": str(own), **environment})

    def _begin(self, name: str, within: list[str], words: list[str], environment: dict[str, str]) -> Any:
        log = (self.folder / f"{name}.log").open("wb")
        with log:
            self.begun.append(
                subprocess.Popen(
                    [*within, sys.executable, "-m", "dask", *words],
                    env={**os.environ, **environment},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
        return self.begun[-1]


def until(found: Any, *not_yet: type[Exception]) -> Any:
    """What a function gives once it gives something."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if value := found():
                return value
        except not_yet:
            pass
        assert time.monotonic() < end, "a process did not come up"
        time.sleep(0.05)


@contextmanager
def processes(folder: Path) -> Iterator[Processes]:
    """A cluster whose processes are killed when the block ends."""
    folder.mkdir(exist_ok=True)
    cluster = Processes(folder)
    try:
        yield cluster
    finally:
        for process in reversed(cluster.begun):
            process.kill()
            process.wait()
