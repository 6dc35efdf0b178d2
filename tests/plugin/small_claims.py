"""The claims of the small projects, named after what becomes of them where training is played (see rehearsal.py)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from repro.experiment.recipes import LR, LR_BS
from repro.experiment.tasks import M1_FASHION, M1_MNIST, STDCNN_FASHION, STDCNN_MNIST, Task
from repro.statistics.equivalence import Flat
from repro.statistics.trends import Drops
from repro.statistics.units import points
from repro.verdicts.claim import claim
from repro.verdicts.curves import LAMBDA1, TEST_ACCURACY, Curve
from repro.verdicts.figures import SETTINGS
from repro.verdicts.verdict import Verdict

CLEAN = replace(TEST_ACCURACY, matters=points(2))
FINE = replace(TEST_ACCURACY, matters=points(1))
ACCURACY_OF = {recipe: lambda task, recipe=recipe: Curve(task, recipe, CLEAN) for recipe in (LR(), LR_BS())}
CURVATURE = lambda task: Curve(task, LR_BS(), LAMBDA1)  # noqa: E731


def declared(id: str, *on: Task, **rest: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A claim that no figure shows, unless ``lines`` says so: drawing takes time."""
    defaults = {"curves": ACCURACY_OF[LR_BS()], "holds_if": Flat, "lines": ()}
    words = {"says": f"The sentence of {id}.", "because": f"the margin of {id}"}
    return claim(id, section="3", on=on, **words, **{**defaults, **rest})


@declared("it-holds", STDCNN_MNIST, STDCNN_FASHION)
def test_flat(verdict: Verdict) -> None:
    assert verdict.reproduced, verdict.evidence


@declared("it-fails", STDCNN_MNIST, curves=lambda task: Curve(task, LR_BS(), FINE), holds_if=Drops)
def test_drop(verdict: Verdict) -> None:
    assert verdict.reproduced, verdict.evidence


@declared("it-is-unsure", STDCNN_MNIST, curves=CURVATURE)
def test_curvature(verdict: Verdict) -> None:
    assert verdict.reproduced, verdict.evidence


@declared("it-is-drawn", STDCNN_MNIST, curves=ACCURACY_OF[LR()], lines=(SETTINGS,))
def test_other_recipe(verdict: Verdict) -> None:
    assert verdict.reproduced, verdict.evidence


@declared("it-diverges", M1_FASHION, curves=CURVATURE, lines=(SETTINGS,))
def test_diverging(verdict: Verdict) -> None:
    assert verdict.reproduced, verdict.evidence


@declared("it-breaks", M1_MNIST)
def test_broken(verdict: Verdict) -> None:
    assert verdict.reproduced, verdict.evidence
