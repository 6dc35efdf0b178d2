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
from .curves import LAMBDA1, Curve
from .entry import Instruments
from .instrument_checks import CONVERGED, DOUBTS, failed, guarding, unchecked


class InstrumentError(ReproError):
    """An instrument failed its check, so what it read decides nothing."""


@dataclass(frozen=True)
class Soundness:
    """What the checks of the runs behind some curves came to."""

    instruments: Instruments
    failures: tuple[tuple[Run, str, str], ...]  # of which run, the name of the check, and what was found

    @property
    def faults(self) -> list[tuple[Run, str, str]]:
        """The failures of checks that show an instrument broken."""
        return [failure for failure in self.failures if failure[1] not in DOUBTS]

    @property
    def broken(self) -> str:
        """Why there is no verdict where an instrument is broken."""
        run, name, sentence = self.faults[0]
        more = f" (and {len(self.faults) - 1} more failures)" if len(self.faults) > 1 else ""
        return f"check {name} failed on {run}: {sentence}{more}"

    @property
    def doubts(self) -> dict[str, str]:
        """Why values decide nothing although no instrument is broken, by the keys of their runs."""
        return {run.key: DOUBTS[name] for run, name, _ in self.failures if name in DOUBTS}

    @property
    def evidence(self) -> list[str]:
        """Lines for a table of evidence; none where no measure is taken by an instrument that is checked."""
        found = self.instruments
        if not found.runs:
            return []
        missing = f"; not made on every run: {', '.join(found.unchecked)}" if found.unchecked else ""
        lines = [f"  instruments: {found.checks} checks on {found.runs} runs, {found.came_to}{missing}"]
        if found.lambda1_sampling is not None:
            share = f"{100 * found.lambda1_sampling:.0f}%"
            lines.append(f"  lambda1's standard error for the choice of images: up to {share} of it")
        return lines


def soundness(curves: Iterable[Curve], store: Store, conditions: Conditions) -> Soundness:
    """Put the checks that guard each curve's measure to its runs; those that diverged have nothing to check."""
    guarded = [curve for curve in curves if guarding(curve.measure)]
    wanted = dict.fromkeys((run, curve.measure) for curve in guarded for run in curve.runs(conditions))
    checks, errors, checked = 0, [], set[Run]()
    failures: dict[tuple[Run, str, str], None] = {}
    missing: dict[str, None] = {}
    for run, measure in wanted:
        reading = conditions.reading(run.task)
        if not (measures := _measures(store, run, reading)):
            continue
        checked.add(run)
        # the numbers of the instruments are of few images, those of the measures and of transfer of all attacked ones
        few = {name: n for name, n in measures.items() if name.startswith("lambda1")} | measures.get("instruments", {})
        transferred = _measures(store, run, transfer(reading)) if measure.attacked else {}
        whole = measures | transferred | {"images": reading.attacked_images or run.task.dataset.test}
        lacking = unchecked(measures | few | transferred, measure)
        missing |= dict.fromkeys(lacking)
        checks += len(guarding(measure)) - len(lacking)
        found = failed(whole, measure) | failed(few, measure)
        failures |= dict.fromkeys((run, name, sentence) for name, sentence in found.items())
        if measure.part == "curvature" and few.get("lambda1_error") is not None and few["lambda1"]:
            errors.append(abs(few["lambda1_error"] / few["lambda1"]))
    instruments = Instruments(
        runs=len(checked),
        checks=checks,
        unchecked=tuple(missing),
        doubtful=sum(name in DOUBTS for _, name, _ in failures),
        lambda1_sampling=max(errors, default=None),
    )
    return Soundness(instruments, tuple(failures))


def unconverged(taken: Iterable[tuple[Run, Reading]], store: Store) -> dict[str, str]:
    """Why eigenvalues decide nothing although their runs passed all checks, by the runs' keys: a search did not end.

    ``taken``: runs with the further readings, or states with the readings, under which their eigenvalues were taken.
    """
    found = {
        run.key: failed(measures, LAMBDA1) for run, reading in taken if (measures := _measures(store, run, reading))
    }
    return {key: why for key, checks in found.items() if (why := checks.get(CONVERGED))}


def _measures(store: Store, run: Run, reading: Reading) -> dict[str, Any]:
    """What is stored of a run under a reading, if anything is."""
    stored = store.measures(run, reading)
    return stored["measures"] if stored else {}
