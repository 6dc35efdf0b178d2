"""What a claim is: a sentence of the paper, where it stands, the curves it speaks of, and what decides it.

    @claim(
        "ratio-keeps-curvature",
        section="3",
        says="With learning rate over batch size constant, lambda1 hardly moves with the batch size.",
        on=TASKS,
        curves=lambda task: Curve(task, LR_BS(), LAMBDA1),
        holds_if=Flat,
    )
    def test_the_eigenvalue_is_flat(verdict):
        assert verdict.reproduced, verdict.evidence

The test gets one case for every combination of ``on`` (the tasks) and the further axes, and one ``verdict`` for each.
Nothing is trained by declaring a claim, and the runs of a case are known without running it.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from ..errors import SettingError
from ..experiment.readings import alone
from ..experiment.recipes import Recipe
from ..experiment.tasks import ALL_TASKS, Task
from ..runs.conditions import Conditions
from ..runs.run import Job, Run
from ..statistics.critical import Rule
from ..statistics.estimands import Estimand
from ..statistics.units import FACTOR, POINTS, Margin
from ..words import counted
from .curves import Curve
from .entry import Standing
from .equal_training import Part, matched
from .figures import SETTINGS, showing


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper, and where it stands, declared before any result is seen."""

    id: str
    section: str
    says: str
    because: str
    lines: tuple[tuple[Recipe, ...], ...]


@dataclass(frozen=True)
class Case:
    """A claim on one task or several (and attack, and comparison): what one test decides.

    ``rule`` makes the estimand that decides it from the smallest differences that matter of its curves' measures.
    """

    claim: Claim
    tasks: tuple[Task, ...]
    axes: tuple[str, ...]
    groups: tuple[tuple[Curve, ...], ...]
    rule: Rule
    standing: Standing = Standing.PAPER

    @property
    def where(self) -> str:
        """Its task, or that it speaks of all."""
        return str(self.tasks[0]) if len(self.tasks) == 1 else ALL_TASKS

    @property
    def id(self) -> str:
        """The case's part of the test's name, as in ``StdCNN-MNIST-FGSM``."""
        return "-".join([self.where.replace(" ", "-"), *self.axes])

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """Its curves, in the order in which what decides it takes them."""
        return tuple(curve for group in self.groups for curve in group)

    @property
    def names(self) -> tuple[str, ...]:
        """What each of its groups is called: by its task, and by its recipe, too, where a task has several."""
        several = len({group[0].task for group in self.groups}) < len(self.groups)
        return tuple(f"{g[0].task}, {g[0].recipe.name}" if several else str(g[0].task) for g in self.groups)

    @property
    def margins(self) -> tuple[Margin, ...]:
        """The smallest difference that matters of each of its measures."""
        return tuple({curve.measure: curve.measure.matters for curve in self.curves}.values())

    @cached_property
    def holds_if(self) -> Estimand:
        """What decides it."""
        return self.rule(*self.margins)

    @property
    def because(self) -> str:
        """Why its margin is what it is."""
        return self.claim.because or "; ".join(dict.fromkeys(curve.measure.because for curve in self.curves))

    @property
    def figures(self) -> list[int]:
        """The paper's figures that show its curves."""
        return showing(self.curves, self.claim.lines)

    def runs(self, conditions: Conditions) -> list[Run]:
        """The runs it needs, each once."""
        return list(dict.fromkeys(run for run, _ in self.jobs(conditions)))

    def at_equal_amount(self, conditions: Conditions) -> tuple[Part, ...]:
        """Its curves at equal training amount; empty if the claim compares neither batch sizes nor recipes."""
        return tuple(part for group in self.groups for part in matched(group, self.holds_if, conditions))

    def jobs(self, conditions: Conditions) -> list[Job]:
        """The runs it needs with the readings that it wants of them, each once."""
        jobs = [job for curve in self.curves for job in curve.jobs(conditions)]
        for part in self.at_equal_amount(conditions):
            measure = part.curve.measure
            for run in part.runs(conditions):
                own = [alone(conditions.reading(run.task), measure.part)] if measure.own else []
                jobs += [Job(run, reading) for reading in (conditions.reading_of(run), *own)]
        return list(dict.fromkeys(jobs))


def claim(
    id: str,
    *,
    section: str,
    says: str,
    on: Sequence[Task] = (),
    extended_to: Sequence[Task] = (),
    curves: Callable[..., Curve | tuple[Curve, ...]],
    holds_if: Rule | Estimand,
    because: str = "",
    aspect: str = "",
    lines: Sequence[tuple[Recipe, ...]] = (SETTINGS,),
    together: Sequence[str] | None = None,
    **axes: Sequence[Any],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a claim test; see the module's example.

    SettingError: an estimand with a margin of its own, or one that cannot be decided from so many curves.

    ``on``: the tasks of which the paper says it; ``extended_to``: those of which it is asked as well. ``curves`` is
    called with a task and one value of each further axis, by name, and returns the curves in the order in which
    ``holds_if`` takes them. That is an estimand, or, where it needs a margin, the class of one (or any function that
    makes one): it is called with the smallest difference that matters of each measure, so that what counts as a change
    is the same for all claims on a measure. ``because`` says why a bound that is no such margin is what it is.
    ``together``: the sentence speaks of all tasks (and of all values of the axes that are named) as one, and a case for
    each of them alone is its detail. ``lines`` are those of the figures that the claim is read from. ``aspect`` tells
    two tests of one claim apart, where it takes two to decide it.
    """
    declared, rule = Claim(id, section, says, because, tuple(lines)), _rule(id, holds_if)
    standing = Standing.PAPER if together is None else Standing.DETAIL
    tasks = {**dict.fromkeys(on, standing), **dict.fromkeys(extended_to, Standing.EXTENSION)}
    tail = (_word(aspect),) if aspect else ()
    cases, pooled = [], defaultdict[tuple[str, ...], list[tuple[Curve, ...]]](list)
    for task, *values in itertools.product(tasks, *axes.values()):
        needed = curves(task, **dict(zip(axes, values, strict=True)))
        group = needed if isinstance(needed, tuple) else (needed,)
        words = {axis: _word(value) for axis, value in zip(axes, values, strict=True)}
        cases.append(Case(declared, (task,), (*words.values(), *tail), (group,), rule, tasks[task]))
        if together is not None and task in on:
            pooled[tuple(word for axis, word in words.items() if axis not in together)].append(group)
    whole = [Case(declared, (*on,), (*words, *tail), tuple(groups), rule) for words, groups in pooled.items()]
    cases = whole + cases
    for case in cases:
        _require_curves(case)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        marked = pytest.mark.claim(declared)(test)
        parametrized: Callable[..., None] = pytest.mark.parametrize("case", cases, ids=[case.id for case in cases])(
            marked
        )
        return parametrized

    return decorate


def _require_curves(case: Case) -> None:
    """SettingError: what decides a case does not go with its curves, which would show when they are trained."""
    named = f"claim {case.claim.id!r} [{case.id}]"
    try:
        estimand = case.holds_if
    except TypeError as error:
        margins = counted(len(case.margins), "margin")
        raise SettingError(
            f"{named}: holds_if is given {margins}, one for each measure of its curves: {error}"
        ) from None
    if len(set(case.names)) < len(case.groups):
        twice = next(name for name in case.names if case.names.count(name) > 1)
        raise SettingError(f"{named}: speaks of {twice} twice as one, in groups that cannot be told apart")
    for curves in {len(case.curves), *map(len, case.groups)}:
        if right := estimand.wants(curves):
            rule, found = type(estimand).__name__, counted(curves, "curve")
            raise SettingError(f"{named}: {rule} is decided from {right}, and is given {found}")


def _rule(id: str, holds_if: Rule | Estimand) -> Rule:
    """What makes a case's estimand from its margins."""
    if not isinstance(holds_if, Estimand):
        return holds_if
    own = [str(margin) for margin in holds_if.margins if margin.unit in (POINTS, FACTOR)]
    if own:
        raise SettingError(
            f"claim {id!r}: holds_if has a margin of its own ({', '.join(own)}); name the class alone, as in "
            f"holds_if={type(holds_if).__name__}, and the smallest difference that matters of its measure is taken"
        )
    return Always(holds_if)


@dataclass(frozen=True)
class Always:
    """A rule that is the same whatever the margins."""

    estimand: Estimand

    def __call__(self, *_: Margin) -> Estimand:
        return self.estimand


def _word(value: Any) -> str:
    """An axis value as part of a test's name: no spaces or brackets, which shells and -k would trip over."""
    return str(value).replace(" accuracy", "").replace(" ", "-").replace("/", "-over-")
