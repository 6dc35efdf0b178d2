"""What the processes of a session share: its settings, and a folder in which they leave word for each other.

Under xdist the controller collects nothing, so what the selected claims need is found out by the workers. The first of
them decides where the data comes from, and writes the plan or the error into the folder; the others read it, and the
controller tells it to the user. Free of torch and numpy.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from ..files.locks import locked
from ..files.text import read_text, write_text
from ..science.data.sources import Source, resolve
from .rerun import Rerun
from .settings import Settings

CLUSTER: Final = "cluster"  # whose pulse is that of all workers of a cluster
OVER: Final = "over"  # workers begin no further run
STOPPED: Final = "stopped"  # and leave the run that they are at
GIVEN_UP: Final = "given-up-"  # with what is not to be tried again in the session: a run, by its key


@dataclass(frozen=True)
class Told:
    """What a process that collects the tests tells the controller, which with workers collects none."""

    headline: str = ""  # for the user
    error: str = ""  # for the user, instead of a session
    missing: int = 0  # runs
    claims: dict[str, dict[str, str]] = field(default_factory=dict)  # what each selected claim test is about
    deselected: int = 0  # claim tests that were collected and left out
    runs: dict[str, tuple[str, list[float]]] = field(default_factory=dict)  # missing: recipes, seconds of each


class Shared:
    """The folder of a session that its processes share; the first that collected a claim makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.journal, self.figures = folder, folder / "journal.jsonl", folder / "figures"
        self._sources, self._told = folder / "sources.json", folder / "told.json"

    def sources(self, names: list[str], settings: Settings) -> dict[str, Source]:
        """Where the named data sets come from; found out (perhaps downloaded) by the first process that asks."""
        with locked(self.folder / "sources.lock", f"the folder of temporary files (TMPDIR), {self.folder.parent},"):
            known = self.read_sources()
            if known is None:
                surrogate_allowed = settings.regime.name != "paper" and settings.regime.reduced
                known = resolve(
                    names, settings.data_root, surrogate_allowed=surrogate_allowed, download=not settings.plan
                )
                write_text(self._sources, json.dumps({n: [s.kind, str(s.root)] for n, s in known.items()}))
        return known

    def read_sources(self) -> dict[str, Source] | None:
        """The decision of ``sources``, or None if there is none."""
        if not self._sources.exists():
            return None
        stored = json.loads(read_text(self._sources))
        return {name: Source(name, kind, Path(root)) for name, (kind, root) in stored.items()}

    def tell(self, told: Told) -> None:
        """Leave what the controller has to know. Of several the first counts, of when nothing was made; or an error."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if told.error or not self._told.exists():
            write_text(self._told, json.dumps(asdict(told)))

    def told(self) -> Told:
        """What ``tell`` left; empty if nothing, and an error where there was no room for it."""
        if self._told.exists():
            return Told(**json.loads(read_text(self._told)))
        where = f"the folder of temporary files (TMPDIR), {self.folder.parent},"
        return Told(error=f"{where} must have room for small files") if self.folder.exists() else Told()

    def remark(self, line: str) -> None:
        """Leave a line for the user, to be shown at the end: of a damaged file, say. It may be lost."""
        self._append("remarks.txt", " ".join(line.split()))

    def remarks(self) -> list[str]:
        """The lines that processes of the session left, each once."""
        return [*dict.fromkeys(self._lines("remarks.txt"))]

    def keep_verdict(self, line: str) -> None:
        """Leave a verdict that fell, for other terminals."""
        self._append("verdicts.txt", line)

    def verdicts(self) -> list[str]:
        """The verdicts that fell so far."""
        return self._lines("verdicts.txt")

    def _append(self, name: str, line: str) -> None:
        with suppress(OSError), (self.folder / name).open("ab", buffering=0) as file:
            file.write(f"{line}\n".encode(errors="replace"))

    def _lines(self, name: str) -> list[str]:
        try:
            return (self.folder / name).read_text("utf-8").splitlines()
        except OSError:
            return []

    def beat(self, worker: str, **facts: Any) -> None:
        """Leave how far a worker is with the run it is at; a moment later it may be more."""
        with suppress(OSError):  # nothing hangs on it
            (self.folder / f"pulse-{worker}.json").write_text(json.dumps(facts), "utf-8")

    def pulse(self, worker: str) -> dict[str, Any]:
        """What ``beat`` left last; empty if nothing, or if it is being written."""
        try:
            found = json.loads((self.folder / f"pulse-{worker}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def mark(self, word: str) -> None:
        """Say that the session is over, that it was stopped, or that something is given up in it."""
        with suppress(OSError):  # a disk that is full is no reason to lose a report
            (self.folder / word).touch()

    def marked(self, word: str) -> bool:
        """Whether that was said."""
        return (self.folder / word).exists()


@dataclass(frozen=True)
class Process:
    """One of the session's processes that run tests, as it begins."""

    settings: Settings
    shared: Shared
    rerun: Rerun
    name: str = "main"  # or that of an xdist worker
    processes: int = 1  # side by side
    notify: Callable[[], None] = lambda: None  # called when a run was begun or ended here
    gpus: int = 0  # that torch sees, with --gpu
    say: Callable[[str], None] = lambda _: None  # shows a line to the user
