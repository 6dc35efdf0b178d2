"""A report names the processors that its runs were trained on where there were several."""

import json
from dataclasses import replace

import pytest
from worlds import conditions, fill

from repro.experiment.recipes import LR
from repro.experiment.tasks import M1_MNIST
from repro.report.mixed import trained_on
from repro.runs.store import Store


@pytest.mark.parametrize(
    ("processors", "expected"),
    [
        (["one", "one", "one"], ()),
        (["one", "other", "other"], ("other (2 runs)", "one (1 run)")),
        (["one", "", "other"], ("one (1 run)", "other (1 run)")),  # a record from before there was a processor in it
    ],
)
def test_processors_are_named_with_their_runs(store: Store, processors: list[str], expected: tuple[str, ...]) -> None:
    first = conditions().run(M1_MNIST, LR(), 64, 0)
    runs = [replace(first, seed=seed) for seed in range(3)]
    fill(store, runs)
    for run, processor in zip(runs, processors, strict=True):
        path = store.weights(run).parent / "run.json"
        told = {"processor": processor} if processor else {}
        path.write_text(json.dumps({**json.loads(path.read_text()), **told}))
    keys = [run.key for run in runs]
    assert trained_on(store, [*keys, "of-no-run"]) == expected
