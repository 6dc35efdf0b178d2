"""The live view of a session shows what the workers of its cluster are at, and so does `repro status`."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from clusters import until
from projects import Project
from test_cluster_mishaps import ONE, mishap  # noqa: F401
from test_cluster_sessions import trained  # noqa: F401
from test_live_view import seen, status

LINE = re.compile(r"(local-[01]) +StdCNN-MNIST LR\S* m=0, batch size (?:16|32) seed [01] +epoch 1 of 2, loss [\d.]+")


def test_a_line_for_each_worker_says_its_run_epoch_and_loss(
    trained: Project,  # noqa: F811
    mishap: pytest.MonkeyPatch,  # noqa: F811
) -> None:
    told = trained.folder / "told"
    for name, value in {"": "tells", "_TOLD": str(told), "_STEP": "4", "_TO": "2"}.items():
        mishap.setenv(f"MISHAP{name}", value)
    with ThreadPoolExecutor(1) as beside:
        session = beside.submit(seen, trained, "--cluster", "local:2", *ONE)
        try:  # two trainings wait there in their second epochs
            found = until(lambda: len(lines := {one[1] for one in LINE.finditer(status(trained))}) == 2 and lines)
        finally:
            while not session.done():
                told.unlink(missing_ok=True)
                time.sleep(0.05)
    shown = session.result()
    assert found <= {one[1] for one in LINE.finditer(shown)}
    assert re.search(r"\d+%, \d of \d made, about .* left", shown)
    assert status(trained).startswith("no session is at work")
