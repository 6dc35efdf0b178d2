"""Two processes against one: whole sessions of `pytest claims` on the same missing runs, in turn.

All claims on two tasks, whose runs are of unequal length and shared by many claims; one thread a process, an empty
store each time. From the timeline that the session leaves: what the processes did with their time.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ..results import RESULTS, Result, ratio
from ..sides import Measured
from ..speed.networks import source
from . import session, timeline
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


def made(*options: str, tasks: Sequence[str] = TASKS) -> tuple[session.Session, list[Piece]]:
    """One session with an empty store, and its timeline."""
    with tempfile.TemporaryDirectory() as temporary:
        regime, artifacts = Path(temporary) / "scheduling.toml", Path(temporary) / "artifacts"
        regime.write_text(REGIME)
        chosen = [f"--task={task}" for task in tasks]
        cost = session.run(*options, "--regime", regime, "--artifacts", artifacts, *chosen)
        return cost, timeline.read(artifacts / "timeline.jsonl")


def measure() -> Result:
    turns = [(made("-n0"), made("-n2")) for _ in range(REPEATS)]
    alone, together = ([cost for cost, _ in side] for side in zip(*turns, strict=True))
    one, pieces = turns[-1][0][1], [found for _, (_, found) in turns]
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
