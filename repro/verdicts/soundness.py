"""Whether the runs behind a verdict were measured by instruments that can be believed. Free of torch.

The checks stand in ``instrument_checks``, their numbers in the store beside the measures. One that fails on any
run of a claim's curves makes its verdict an error that names it: the instrument failed, which says nothing of the
paper.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import ReproError
from ..experiment.readings import Reading, transfer
from ..runs.conditions import Conditions
from ..runs.run import Run
from ..runs.store import Store
from .curves import Curve
from .instrument_checks import failed, guarding, unchecked


class InstrumentError(ReproError):
    """An instrument failed its check, so what it read decides nothing."""


@dataclass(frozen=True)
class Soundness:
    """What the checks of the runs behind some curves came to."""

    runs: int
    checks: int  # made, over all runs
    failures: tuple[tuple[Run, str, str], ...]  # of which run, the name of the check, and what was found
    unchecked: tuple[str, ...]  # names of checks that lacked a number on some run
    sampling: float | None  # the largest standard error of lambda1 for the choice of images, as a share of lambda1

    @property
    def evidence(self) -> list[str]:
        """In words, for a table of evidence; nothing where no measure is taken by an instrument that is checked."""
        if not self.runs:
            return []
        missing = f"; not made on every run: {', '.join(self.unchecked)}" if self.unchecked else ""
        lines = [f"  instruments: {self.checks} checks on {self.runs} runs, none failed{missing}"]
        if self.sampling is not None:
            lines.append(f"  lambda1's standard error for the choice of images: up to {100 * self.sampling:.0f}% of it")
        return lines

    def entry(self) -> dict[str, object]:
        """As plain JSON for the report."""
        sampling = None if self.sampling is None else float(self.sampling)
        return {"runs": self.runs, "checks": self.checks, "unchecked": [*self.unchecked], "lambda1_sampling": sampling}


def soundness(curves: Iterable[Curve], store: Store, conditions: Conditions) -> Soundness:
    """Put the checks that guard each curve's measure to its runs; those that diverged have nothing to check."""
    guarded = [curve for curve in curves if guarding(curve.measure)]
    wanted = dict.fromkeys((run, curve.measure) for curve in guarded for run in curve.runs(conditions))
    checks, errors = 0, []
    failures: dict[tuple[Run, str, str], None] = {}
    missing: dict[str, None] = {}
    for run, measure in wanted:
        reading = conditions.reading(run.task)
        if not (measures := _measures(store, run, reading)):
            continue
        # the numbers of the instruments are of few images, those of the measures and of transfer of all attacked ones
        few = {name: n for name, n in measures.items() if name.startswith("lambda1")} | measures.get("instruments", {})
        transferred = _measures(store, run, transfer(reading)) if measure.attacked else {}
        whole = measures | transferred | {"images": reading.attacked_images or run.task.dataset.test}
        lacking = unchecked(few | transferred, measure)
        missing |= dict.fromkeys(lacking)
        checks += len(guarding(measure)) - len(lacking)
        found = failed(whole, measure) | failed(few, measure)
        failures |= dict.fromkeys((run, name, sentence) for name, sentence in found.items())
        if measure.part == "curvature" and few.get("lambda1_error") is not None and few["lambda1"]:
            errors.append(abs(few["lambda1_error"] / few["lambda1"]))
    runs = len({run for run, _ in wanted})
    return Soundness(runs, checks, tuple(failures), tuple(missing), max(errors, default=None))


def _measures(store: Store, run: Run, reading: Reading) -> dict[str, Any]:
    """What is stored of a run under a reading, if anything is."""
    stored = store.measures(run, reading)
    return stored["measures"] if stored else {}
