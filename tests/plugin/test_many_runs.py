"""What a session's processes hold after many runs: short here, with 500 runs by ``make soak``."""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest
from projects import Project

RUNS = int(os.environ.get("REPRO_SOAK_RUNS", "60"))
A_SEED = 4  # runs, of two data sets at two batch sizes
SETTLED = 10  # per cent of a process's runs after which it holds all that it needs
MOST = 50  # MiB that a process may grow by from then on

WATCH = """
import json
import os
from pathlib import Path

from repro.runs import trainer

HERE, make = Path(__file__).parent, trainer.make


def watched(run, *rest):
    make(run, *rest)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    line = {"process": os.getpid(), "mib": pages * os.sysconf("SC_PAGE_SIZE") / 2**20, "task": str(run.task)}
    line["files"] = len(os.listdir("/proc/self/fd"))
    with (HERE / "memory.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\\n")


trainer.make = watched
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux for what a process holds")
def test_processes_do_not_grow_with_the_runs_that_they_make(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLAYED_SECONDS")
    project.add("watch.py", WATCH)
    tiny = ["--epochs", "1", "--train-images", "64", "--test-images", "32", "--attacked-images", "8"]
    tiny += ["--hessian-images", "8", "--pgd-steps", "2", "--batch-sizes", "32,64"]
    result = project.apart("-p", "watch", "-n2", "-k", "it-holds", *tiny, "--seeds", str(RUNS // A_SEED))
    held = defaultdict(list)
    for line in map(json.loads, (project.folder / "memory.jsonl").read_text().splitlines()):
        held[line["process"]].append(line)
    assert sum(map(len, held.values())) >= RUNS
    assert len(held) == 2, result.stdout.str()
    for lines in held.values():
        settled = lines[max(5, len(lines) * SETTLED // 100) :]
        assert max(line["mib"] for line in settled) - settled[0]["mib"] < MOST
        assert len({line["task"] for line in settled}) == 2
        assert max(line["files"] for line in settled) <= settled[0]["files"] + 2
    store = project.folder / ".repro" / "store"
    runs = [*(store / "runs").iterdir()]
    assert len([*(store / "locks").iterdir()]) <= len(runs) + 1  # and that of the report
    assert max(len([*run.iterdir()]) for run in runs) <= 3
    assert not [*store.rglob(".writing-*")]
