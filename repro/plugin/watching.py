"""How far a session is, read from the folder its processes share: for the live view, and for other terminals."""

import json
import os
import platform
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..files.text import read_text, whole, write_text
from ..words import span
from .shared import CLUSTER, Shared, Told

AT_WORK: Final = "session.json"  # in the artifacts, while a session is at work
SET: Final = re.compile(r" lr=.* m=\S+")  # what a run's name says of its optimiser, for which its recipe stands
KNOWN: Final = 0.02  # of the predicted time, after which the pace of this session is believed
NEVER_DONE: Final = 0.95  # of its predicted time, for a run that is still at work


@dataclass(frozen=True)
class Doing:
    """What a worker is at. ``epoch`` is 0 until one is done; ``accuracy`` is that of the run it made before."""

    worker: str
    run: str
    recipe: str
    since: float
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    accuracy: float | None = None

    @property
    def words(self) -> tuple[str, str, str, str]:
        """Worker, run with its recipe, epoch with loss, and accuracy, in words."""
        run = SET.sub(f" {self.recipe},", self.run, count=1) if self.recipe else self.run
        epoch = f"epoch {self.epoch} of {self.epochs}" if self.epochs else span(time.time() - self.since)
        loss = "" if self.loss is None else f", loss {self.loss:.3g}"
        accuracy = "" if self.accuracy is None else f"before: test accuracy {self.accuracy:.1%}"
        return self.worker, run, epoch + loss, accuracy


@dataclass
class State:
    """How far a session is: runs made of those planned, share of the predicted time, seconds gone and left."""

    done: int
    total: int
    share: float
    gone: float
    left: float | None
    doing: list[Doing] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The state in one line, without what each worker does."""
        if self._beyond:
            return f"measurements: {self.done} made, {span(self.gone)} so far"
        made = f"{self.done} of {self.total} made, {self.share:.0%} of the predicted time"
        return f"measurements: {made}, {span(self.gone)} so far{self._left}"

    @property
    def short(self) -> str:
        """The same in few words, for beside a bar."""
        if self._beyond:
            return f"{self.done} made"
        return f"{self.share:.0%}, {self.done} of {self.total} made{self._left}"

    @property
    def _beyond(self) -> bool:
        """Whether seeds are being added, of which nobody knows how many there will be."""
        return self.done > self.total or not self.total

    @property
    def _left(self) -> str:
        return "" if self.left is None else f", about {span(self.left)} left"


class Watch:
    """Reads what the processes of a session leave in its folder, as far as it was not read before."""

    def __init__(self, shared: Shared, told: Told, processes: int, began: float) -> None:
        self._shared, self._told, self._processes, self._began = shared, told, max(1, processes), began
        self._read = 0
        self._made: dict[str, int] = defaultdict(int)  # measurements, by run
        self._at: dict[str, dict[str, Any]] = {}  # run, name and beginning, by worker of this machine
        self._busy = 0.0  # seconds that went into what was made
        self._all = sum(seconds for _, parts in told.runs.values() for seconds in parts)

    def done(self) -> int:
        """Measurements that were made."""
        self._look()
        return sum(self._made.values())

    def state(self) -> State:
        """How far the session is now."""
        self._look()
        now, cluster = time.time(), self._shared.pulse(CLUSTER)
        at = self._here() | cluster.get("at", {})
        doing = [self._doing(worker, at[worker]) for worker in sorted(at)]
        made = sum(sum(self._parts(run)[:count]) for run, count in self._made.items())
        pace = self._busy / made if made > KNOWN * self._all else 1.0
        under_way = sum(self._under_way(at[one.worker]["run"], one, (now - one.since) / pace) for one in doing)
        share = min(1.0, (made + under_way) / self._all) if self._all else 1.0
        processes = cluster.get("workers") or self._processes
        left = max(0.0, self._all - made - under_way) * pace / processes if self._all else None
        return State(self.done(), self._told.missing, share, now - self._began, left, doing)

    def _parts(self, run: str) -> list[float]:
        return self._told.runs.get(run, ("", []))[1]

    def _under_way(self, run: str, doing: Doing, gone: float) -> float:
        """What is done of a measurement, in predicted seconds: by its epochs, or by the time it has taken."""
        left = self._parts(run)[self._made[run] :]
        if not left:
            return 0.0
        return NEVER_DONE * left[0] * doing.epoch / doing.epochs if doing.epochs else min(gone, NEVER_DONE * left[0])

    def _here(self) -> dict[str, dict[str, Any]]:
        """What each worker of this machine is at, with how far it is if it has told that of this run."""
        found = {}
        for worker, at in self._at.items():
            pulse = self._shared.pulse(worker)
            mine = pulse.get("run") in (None, at["run"])
            found[worker] = (pulse if mine else {"accuracy": pulse.get("accuracy")}) | at
        return found

    def _doing(self, worker: str, at: Mapping[str, Any]) -> Doing:
        recipe = self._told.runs.get(at["run"], ("", []))[0]
        told = {name: at[name] for name in ("epoch", "epochs", "loss", "accuracy") if name in at}
        return Doing(worker, at["name"], recipe, at["since"], **told)

    def _look(self) -> None:
        """Take in what was written to the journal since; a line that is still being written is left for later."""
        if not self._shared.journal.exists():
            return
        with self._shared.journal.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        ended = new[: new.rfind(b"\n") + 1]
        self._read += len(ended)
        for line in ended.splitlines():
            with suppress(ValueError):  # a disk that is full cut it
                self._take(json.loads(line))

    def _take(self, event: dict[str, Any]) -> None:
        worker, run = event["worker"], event["run"]
        if event["event"] == "begin":
            self._at[worker] = {"run": run, "name": event["name"], "since": event["time"]}
        elif event["event"] == "end":
            self._made[run] += 1
            begun = self._at.pop(worker, None)
            self._busy += event["time"] - begun["since"] if begun else 0.0


def announce(artifacts: Path, shared: Shared, processes: int, began: float) -> None:
    """Leave word in the artifacts that a session is at work, and where its folder is; where that can be written."""
    facts = {"process": os.getpid(), "machine": platform.node(), "folder": str(shared.folder)}
    with suppress(OSError):
        artifacts.mkdir(parents=True, exist_ok=True)
        write_text(artifacts / AT_WORK, json.dumps({**facts, "processes": processes, "began": began}))


def withdraw(artifacts: Path, shared: Shared) -> None:
    """Take back the word that this session is at work."""
    if _announced(artifacts).get("folder") == str(shared.folder):
        with suppress(OSError):
            (artifacts / AT_WORK).unlink(missing_ok=True)


def keep_timeline(folder: Path, shared: Shared) -> None:
    """Keep who made which run when; the last one stays where nothing was made."""
    if shared.journal.exists():
        from ..report.page.timeline import TIMELINE

        folder.mkdir(parents=True, exist_ok=True)
        with whole(folder / TIMELINE) as path:
            shutil.copyfile(shared.journal, path)


def at_work(artifacts: Path) -> tuple[Shared, State] | None:
    """The session that is at work on a report, and how far it is; None where there is none on this machine."""
    facts = _announced(artifacts)
    if facts.get("machine") != platform.node() or not _alive(facts.get("process")):
        return None
    try:
        shared = Shared(Path(facts["folder"]))
        if not shared.folder.is_dir():
            return None
        return shared, Watch(shared, shared.told(), facts["processes"], facts["began"]).state()
    except (OSError, ValueError, KeyError, TypeError):  # it ends just now
        return None


def _announced(artifacts: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_text(artifacts / AT_WORK))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _alive(process: object) -> bool:
    if not isinstance(process, int) or process <= 0:
        return False
    if os.name == "nt":  # there a signal of 0 is none that only asks; the session's folder is looked for, too
        return True
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
