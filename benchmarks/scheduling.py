"""Two processes against one: whole sessions of `pytest claims` on the same missing runs, in turn.

All claims on two tasks, whose runs are of unequal length and shared by many claims; one thread a process, an empty
store each time. From the timeline that the session leaves: what the processes did with their time.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from . import sessions, timeline
from .networks import source
from .results import RESULTS, Result, ratio
from .sides import Measured
from .timeline import Piece

REPEATS: Final = 3
TASKS: Final = ("M1-MNIST", "StdCNN-MNIST")
PICTURE: Final = RESULTS / "timeline.png"
# One seed: with more, a run is measured again with its sibling, which the timeline does not tell from training.
REGIME: Final = """
name = "scheduling"
[all]
seeds = 1
batch_sizes = [64, 256]
pgd_steps = 4
[tasks."M1-MNIST"]
epochs = 3
train_images = 768
test_images = 512
attacked_images = 32
hessian_images = 32
[tasks."StdCNN-MNIST"]
epochs = 4
train_images = 2048
test_images = 1024
attacked_images = 64
hessian_images = 64
"""


def session(folder: Path, processes: int) -> sessions.Session:
    """One session with an empty store; what it leaves is in ``folder``."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "scheduling.toml").write_text(REGIME)
    tasks = [f"--task={task}" for task in TASKS]
    options: list[str | Path] = ["--regime", folder / "scheduling.toml", "--artifacts", folder / "artifacts", *tasks]
    return sessions.run("-n", str(processes), *options)


def measure() -> Result:
    alone, together, pieces = [], [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "session"
        for _ in range(REPEATS):
            alone.append(session(folder, 0))
            one = timeline.read(folder / "artifacts" / "timeline.jsonl")
            together.append(session(folder, 2))
            pieces.append(timeline.read(folder / "artifacts" / "timeline.jsonl"))
    timeline.draw(pieces[-1], PICTURE, "Two processes on the missing runs of all claims on two tasks")
    wall = ratio([s.wall for s in together], [s.wall for s in alone], 1.8)
    facts = {
        "tasks": TASKS,
        "data": source("MNIST").kind,
        "cpu_seconds": {"one process": alone[-1].cpu, "two processes": together[-1].cpu},
        "seconds_of_runs": {"one process": sum(p.seconds for p in one), "two": sum(p.seconds for p in pieces[-1])},
        **told(one, pieces),
    }
    return Result({"wall": wall}, facts, faults(pieces))


def told(alone: Sequence[Piece], repeats: Sequence[Sequence[Piece]]) -> dict[str, Any]:
    """What the timelines show: of one process, and of two at each repeat."""
    lengths = sorted(piece.seconds for piece in alone if piece.name == piece.whole)
    idle = [wait for pieces in repeats for wait in timeline.idle(pieces)]
    return {
        "runs": len(lengths),
        "checkpoints": len(alone) - len(lengths),
        "seconds_of_the_shortest_and_longest_run": [lengths[0], lengths[-1]],
        "pairs_of_which_the_slower_was_begun_first": [timeline.in_order(pieces) for pieces in repeats],
        "seconds_with_one_process_at_the_end": [timeline.tail(pieces) for pieces in repeats],
        "idle_while_a_run_was_nobodys": [
            f"{wait.worker} for {wait.seconds:.2f} s, though {wait.missing} was missing" for wait in idle
        ],
    }


def faults(repeats: Sequence[Sequence[Piece]]) -> tuple[str, ...]:
    """What must not happen: a run that was made twice."""
    twice = sorted({name for pieces in repeats for name in timeline.made_twice(pieces)})
    return (f"made more than once: {', '.join(twice)}",) if twice else ()


CASES = {"scheduling": Measured(measure)}
