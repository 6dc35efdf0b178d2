"""Figures as files, and those that were drawn ahead: by workers with nothing left to train, before the report is made.

Free of matplotlib until one is drawn.
"""

import json
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from ...files.text import read_text, whole, write_text
from ...runs.conditions import Conditions
from ...runs.run import Job
from ...runs.store import Store
from ...verdicts.figures import FIGURES, Figure
from .captions import Picture


class Ahead:
    """A folder of figures that several processes draw and one takes over. No figure is drawn twice."""

    def __init__(self, folder: Path, linear: bool = False) -> None:
        self._folder, self._linear = folder, linear

    def draw(self, numbers: Iterable[int], store: Store, conditions: Conditions, planned: Collection[Job]) -> None:
        """Draw the figures that nobody has begun and whose lines lack nothing of what the session ``planned``.

        One that cannot be drawn is left to whoever writes the report, who is told why.
        """
        self._folder.mkdir(exist_ok=True)
        for figure in (FIGURES[number] for number in numbers):
            if _ready(figure, store, conditions, planned) and self._mine(figure):
                with suppress(Exception):
                    self._draw(figure, store, conditions)

    def _mine(self, figure: Figure) -> bool:
        try:
            (self._folder / figure.name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _draw(self, figure: Figure, store: Store, conditions: Conditions) -> None:
        from .figures import draw  # matplotlib takes a second to import

        picture = draw(figure, store, conditions, self._folder, linear=self._linear)
        write_text(self._caption(figure.number), json.dumps(picture.caption))  # last: where it is, the picture is whole

    def take(self, number: int, folder: Path) -> Picture | None:
        """Copy a figure into another folder; None if it was not drawn."""
        if not self._caption(number).exists():
            return None
        path = folder / f"{FIGURES[number].name}.png"
        for copied in (path, path.with_suffix(".svg")):
            with whole(copied) as unfinished:
                shutil.copyfile(self._folder / copied.name, unfinished)
        return Picture(number, path, json.loads(read_text(self._caption(number))))

    def _caption(self, number: int) -> Path:
        return self._folder / f"{FIGURES[number].name}.json"


def _ready(figure: Figure, store: Store, conditions: Conditions, planned: Collection[Job]) -> bool:
    jobs = (Job(run, conditions.reading(curve.task)) for curve in figure.curves for run in curve.runs(conditions))
    return all(store.has(*job) for job in jobs if job in planned)
