"""What a claim is: a sentence of the paper, where it stands, the curves it speaks of, and what decides it.

    @claim(
        "ratio-keeps-curvature",
        section="3",
        says="With learning rate over batch size constant, lambda1 hardly moves with the batch size.",
        on=TASKS,
        curves=lambda task: Curve(task, LR_BS(), LAMBDA1),
        holds_if=Flat(within=factor(2)),
        because="...why this margin...",
    )
    def test_the_eigenvalue_is_flat(verdict):
        assert verdict.reproduced, verdict.evidence

The test gets one case for every combination of ``on`` (the tasks) and the further axes, and one ``verdict`` for each.
Nothing is trained by declaring a claim, and the runs of a case are known without running it.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ..experiment.recipes import Recipe
from ..experiment.tasks import Task
from ..runs.conditions import Conditions
from ..runs.run import Job, Run
from ..statistics.estimands import Estimand
from .curves import Curve
from .equal_training import Part, matched
from .figures import SETTINGS, showing


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper with the rule it is decided by, declared before any result is seen."""

    id: str
    section: str
    says: str
    holds_if: Estimand
    because: str
    lines: tuple[tuple[Recipe, ...], ...]


@dataclass(frozen=True)
class Case:
    """A claim on one task (and attack, and comparison): what one test decides."""

    claim: Claim
    task: Task
    axes: tuple[str, ...]
    curves: tuple[Curve, ...]

    @property
    def id(self) -> str:
        """The case's part of the test's name, as in ``StdCNN-MNIST-FGSM``."""
        return "-".join([str(self.task), *self.axes])

    @property
    def figures(self) -> list[int]:
        """The paper's figures that show its curves."""
        return showing(self.curves, self.claim.lines)

    def runs(self, conditions: Conditions) -> list[Run]:
        """The runs it needs, each once."""
        return list(dict.fromkeys(run for run, _ in self.jobs(conditions)))

    def at_equal_amount(self, conditions: Conditions) -> tuple[Part, ...]:
        """Its curves at equal training amount; empty if the claim compares no batch sizes."""
        return matched(self.curves, self.claim.holds_if, conditions)

    def jobs(self, conditions: Conditions) -> list[Job]:
        """The runs it needs with the readings that it wants of them, each once."""
        jobs = [job for curve in self.curves for job in curve.jobs(conditions)]
        for run in (run for part in self.at_equal_amount(conditions) for run in part.runs(conditions)):
            jobs.append(Job(run, conditions.reading_of(run)))
        return list(dict.fromkeys(jobs))


def claim(
    id: str,
    *,
    section: str,
    says: str,
    on: Sequence[Task],
    curves: Callable[..., Curve | tuple[Curve, ...]],
    holds_if: Estimand,
    because: str,
    aspect: str = "",
    lines: Sequence[tuple[Recipe, ...]] = (SETTINGS,),
    **axes: Sequence[Any],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a claim test; see the module's example.

    ``curves`` is called with a task and one value of each further axis, by name, and returns the curves in the order in
    which ``holds_if`` takes them. ``because`` says why the margin is what it is. ``lines`` are those of the figures
    that the claim is read from. ``aspect`` tells two tests of one claim apart, where it takes two to decide it.
    """
    declared = Claim(id, section, says, holds_if, because, tuple(lines))
    cases = []
    for task, *values in itertools.product(on, *axes.values()):
        needed = curves(task, **dict(zip(axes, values, strict=True)))
        words = tuple(_word(value) for value in [*values, *([aspect] if aspect else [])])
        cases.append(Case(declared, task, words, needed if isinstance(needed, tuple) else (needed,)))

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        marked = pytest.mark.claim(declared)(test)
        parametrized: Callable[..., None] = pytest.mark.parametrize("case", cases, ids=[case.id for case in cases])(
            marked
        )
        return parametrized

    return decorate


def _word(value: Any) -> str:
    """An axis value as part of a test's name: no spaces or brackets, which shells and -k would trip over."""
    return str(value).replace(" accuracy", "").replace(" ", "-").replace("/", "-over-")
