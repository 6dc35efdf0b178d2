"""Whether the runs behind a verdict were measured by instruments that can be believed. Free of torch.

The checks stand in ``statistics.instruments``, their numbers in the store beside the measures. One that fails on any
run of a claim's curves makes its verdict an error that names it: the instrument failed, which says nothing of the
paper.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ReproError
from ..experiment.readings import transfer
from ..runs.conditions import Conditions
from ..runs.run import Run
from ..runs.store import Store
from .curves import FGSM, LAMBDA1, PGD, Curve
from .entry import Instruments
from .instrument_checks import Failure, failed, speaking_of, unchecked


class InstrumentError(ReproError):
    """An instrument failed its check, so what it read decides nothing."""


@dataclass(frozen=True)
class Soundness:
    """What the checks of the runs behind some curves came to."""

    instruments: Instruments
    failures: tuple[tuple[Run, Failure], ...]

    @property
    def evidence(self) -> list[str]:
        """In words, for a table of evidence; nothing where no measure is taken by an instrument that is checked."""
        found = self.instruments
        if not found.runs:
            return []
        missing = f"; not made on every run: {', '.join(found.unchecked)}" if found.unchecked else ""
        lines = [f"  instruments: {found.checks} checks on {found.runs} runs, none failed{missing}"]
        if found.lambda1_sampling is not None:
            share = f"{100 * found.lambda1_sampling:.0f}%"
            lines.append(f"  lambda1's standard error for the choice of images: up to {share} of it")
        return lines


def soundness(curves: Iterable[Curve], store: Store, conditions: Conditions) -> Soundness:
    """Put the checks that speak of each curve's measure to its runs; those that diverged have nothing to check."""
    wanted: dict[tuple[Run, str], None] = {}
    for curve in curves:
        if curve.measure in (FGSM, PGD, LAMBDA1):
            wanted |= dict.fromkeys((run, curve.measure.field) for run in curve.runs(conditions))
    checks, errors = 0, []
    failures: dict[tuple[Run, Failure], None] = {}
    missing: dict[str, None] = {}
    for run, field in wanted:
        reading = conditions.reading(run.task)
        stored = store.measures(run, reading)
        if not stored or not (measures := stored["measures"]):
            continue
        # the numbers of the instruments are of few images, those of the measures and of transfer of all attacked ones
        numbers = _of_instruments(measures)
        other = None if field == LAMBDA1.field else store.measures(run, transfer(reading))
        transferred = other["measures"] if other else {}
        whole = {**measures, **transferred, "images": reading.attacked_images or run.task.dataset.test}
        lacking = unchecked({**numbers, **transferred}, field)
        missing |= dict.fromkeys(lacking)
        checks += len(speaking_of(field)) - len(lacking)
        found = {failure.name: failure for failure in (*failed(whole, field), *failed(numbers, field))}
        failures |= dict.fromkeys((run, failure) for failure in found.values())
        if field == LAMBDA1.field and numbers.get("lambda1_error") is not None and numbers["lambda1"]:
            errors.append(abs(numbers["lambda1_error"] / numbers["lambda1"]))
    instruments = Instruments(
        runs=len({run for run, _ in wanted}),
        checks=checks,
        unchecked=tuple(missing),
        lambda1_sampling=max(errors, default=None),
    )
    return Soundness(instruments, tuple(failures))


def _of_instruments(measures: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a run's instruments, with lambda1's."""
    curvature = {name: value for name, value in measures.items() if name.startswith("lambda1")}
    return {**curvature, **measures.get("instruments", {})}
