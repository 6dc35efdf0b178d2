"""Pages of sessions that trained nothing, for the tests that look at them in a browser."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace
from worlds import conditions, declared, fill

from repro.report import write_report
from repro.report.together import taken_together
from repro.runs.run import Run
from repro.runs.store import Store
from repro.verdicts.claim import Case
from repro.verdicts.deciding import judge
from repro.verdicts.entry import Broken, Entry

WHERE = conditions(data="surrogate", batch_sizes=(64, 256), seeds=3)
TASKS = ("M1-MNIST", "StdCNN-MNIST", "StdCNN-FashionMNIST")
CLAIMS = ("ratio-keeps-robustness", "ratio-keeps-curvature", "counter-example", "ratio-changes-less")
HOSTILE = "<script>window.broken = true</script> \x1b[31mred\x1b[0m \x00 & \"quoted\" 'text'"
BYTES = "\udcff"  # what Python makes of a file name that is no UTF-8
SESSION = {"command": f"pytest claims {HOSTILE} {BYTES}", "seconds": 125.0, "partial": ["199 claim tests deselected"]}


def cases(claims: Iterable[str] = CLAIMS, tasks: Iterable[str] = TASKS) -> list[Case]:
    """The declared cases of these claims on these tasks."""
    found = (case for test in declared() if test.claim.id in {*claims} for case in test.cases)
    return [case for case in found if case.where in {*tasks}]


def results(run: Run) -> Mapping[str, float]:
    """Robustness that falls with the batch size on M1, rises on Fashion-MNIST (under PGD with a wide
    spread), and networks of StdCNN-MNIST at 50% of their training data.
    """
    task, way = str(run.task), {"M1-MNIST": -1, "StdCNN-FashionMNIST": 1}.get(str(run.task), 0)
    large, noise = run.batch_size / 256, 0.004 * run.seed
    found = {"fgsm_accuracy": 0.5 + way * 0.2 * large + noise, "pgd_accuracy": 0.4 + way * 0.01 * large + noise}
    if task == "StdCNN-FashionMNIST":
        found["pgd_accuracy"] += 0.05 * run.seed * large
    found |= {"lambda1": 20.0 * (1 + large) ** 2 * (1 + noise), "test_accuracy": 0.9 + noise}
    return {**found, "train_accuracy": 0.5} if task == "StdCNN-MNIST" else found


def written(folder: Path, entries: Iterable[Entry] = (), errors: Iterable[Broken] = ()) -> Path:
    """The page of a session with verdicts of every outcome; ``entries`` in their place, if there are any."""
    of = cases()
    runs = {run for case in of for run in case.runs(WHERE)}
    store = fill(Store(folder / "store"), runs, results)
    for number, run in enumerate(sorted(runs, key=lambda run: run.key)):
        record = {name: value for name, value in (store.record(run) or {}).items() if name != "run"}
        record |= {"losses": [2.3, 0.7, 0.1 + number / 1000], "seconds": 3.0}
        store.put_run(run, record, lambda path: path.touch())
    judged = [judge(case, Store(store.root), WHERE, f"pytest '{case.id}'").entry() for case in of]
    found = [*entries] or taken_together([replace(e, test=f"test[{i}]") for i, e in enumerate(judged)])
    artifacts = folder / "artifacts"
    artifacts.mkdir()
    events = [
        {"event": event, "run": "a", "name": f"M1 seed {seed}", "worker": f"gw{seed}", "time": 10.0 * when}
        for seed in (0, 1)
        for when, event in ((1, "begin"), (2 + seed, "end"))
    ]
    (artifacts / "timeline.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    write_report(found, [*errors], SESSION, WHERE, Store(store.root), artifacts)
    return artifacts / "report.html"


def hostile(entries: Iterable[Entry]) -> list[Entry]:
    """The same verdicts with texts that would harm a page that shows them as they are."""
    names = ("says", "section", "case", "shown", "effect", "asked", "reason", "because", "verdict", "rerun", "declared")
    return [replace(entry, **{name: f"{getattr(entry, name)} {HOSTILE}" for name in names}) for entry in entries]
