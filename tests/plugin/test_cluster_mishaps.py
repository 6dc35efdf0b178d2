"""Workers that die, a scheduler that is lost, workers that differ: errors of the machine, and what is made stays."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from clusters import processes
from projects import Project
from test_cluster_sessions import SMALL, trained, weights  # noqa: F401

from repro import __file__ as package

MISHAPS = Path(__file__).parent / "mishaps.py"
ONE = ("-k", "it-is-unsure", *SMALL)


@pytest.fixture
def mishap(trained: Project, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:  # noqa: F811
    """A session's environment in which the first training of all meets with a mishap."""
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", f'["{MISHAPS}"]')
    monkeypatch.setenv("MISHAP_FILE", str(trained.folder / "begun.txt"))
    monkeypatch.setenv("MISHAP", "dies")
    return monkeypatch


@pytest.mark.parametrize("reached", [True, False], ids=["same node", "other node"])
def test_a_run_whose_worker_is_killed_goes_on_where_its_state_can_be_reached(
    trained: Project,  # noqa: F811
    mishap: pytest.MonkeyPatch,
    reached: bool,
) -> None:
    """Nodes of their own are told apart by their users' cache folders. One that holds no state begins anew."""
    mishap.setenv("MISHAP_STEP", "4")  # in the second epoch; a state was kept after the first
    folder = trained.folder / "cluster"
    with processes(folder) as cluster:
        cluster.scheduler()
        for name in ("one", "two"):
            cache = folder / ("cache" if reached else f"cache-{name}")
            cluster.worker(name, XDG_CACHE_HOME=str(cache))
        cluster_is_up(cluster.address, 2)
        result = trained.apart("--cluster", cluster.address, *ONE)
    assert not result.parseoutcomes().keys() & {"errors", "failed"}
    begun = [tuple(map(int, line.split())) for line in (trained.folder / "begun.txt").read_text().splitlines()]
    assert len(begun) == 5  # four runs, one of them twice
    assert begun[0][0] not in [process for process, _ in begun[1:]]
    went_on = [step for _, step in begun if step]
    assert len(went_on) == (1 if reached else 0)
    assert all(0 < step < 4 for step in went_on)
    made = weights(trained.folder / ".repro" / "store")
    assert len(made) == 6  # with two checkpoints
    here = trained.apart("-n0", *ONE, "--store", "here")
    assert not here.parseoutcomes().keys() & {"errors", "failed"}
    assert weights(trained.folder / "here") == made
    left = [path.name for cache in folder.glob("cache*") for path in cache.glob("repro-batch-robustness/at-work/*")]
    assert len(left) == (0 if reached else 1)  # what nobody could take up


def test_one_whose_workers_always_die_is_an_error_that_says_how_often(
    trained: Project,  # noqa: F811
    mishap: pytest.MonkeyPatch,
) -> None:
    mishap.setenv("MISHAP_TO", "99")
    mishap.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "1")
    result = trained.apart("--cluster", "local:1", *ONE)
    assert result.parseoutcomes()["errors"] == 1
    (error,) = trained.report()["errors"]
    assert error["claim"] == "it-is-unsure"
    died = r"ClusterError: StdCNN-MNIST .*: 2 workers died as they made it, the last on tcp://127.*: they were .*"
    pytest.LineMatcher([error["error"]]).re_match_lines([died])
    assert trained.report()["claims"] == []


def test_a_worker_whose_gpu_failed_is_replaced_and_its_run_is_tried_again(
    trained: Project,  # noqa: F811
    mishap: pytest.MonkeyPatch,
) -> None:
    mishap.setenv("MISHAP", "loses-gpu")
    result = trained.apart("--cluster", "local:1", *ONE)
    assert not result.parseoutcomes().keys() & {"errors", "failed"}
    first, *others = [line.split()[0] for line in (trained.folder / "begun.txt").read_text().splitlines()]
    assert len(others) == 4
    assert first not in others


def test_a_lost_scheduler_ends_the_session_and_the_same_command_goes_on(
    trained: Project,  # noqa: F811
    mishap: pytest.MonkeyPatch,
) -> None:
    mishap.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "2s")
    with processes(trained.folder / "cluster") as cluster:
        scheduler = cluster.scheduler()
        cluster.worker(
            "one", MISHAP="loses-scheduler", MISHAP_FROM="3", MISHAP_TO="3", MISHAP_SCHEDULER=str(scheduler.pid)
        )
        result = trained.apart("--cluster", cluster.address, *ONE)
    assert result.parseoutcomes()["errors"] == 1
    (error,) = trained.report()["errors"]
    assert "the cluster's scheduler is lost; what was made is stored" in error["error"]
    store = trained.folder / ".repro" / "store"
    before = weights(store)
    assert 1 <= len(before) < 6
    again = trained.apart("-n0", *ONE)
    assert not again.parseoutcomes().keys() & {"errors", "failed"}
    assert before.items() < weights(store).items()


def test_a_worker_of_another_version_of_the_project_is_refused_in_one_line_and_others_go_on(
    trained: Project,  # noqa: F811
) -> None:
    other = trained.folder / "other"
    shutil.copytree(Path(package).parent, other / "repro", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "repro" / "runs" / "trainer.py").open("a") as file:
        file.write("# another version\n")
    with processes(trained.folder / "cluster") as cluster:
        cluster.scheduler()
        cluster.worker("stale", PYTHONPATH=str(other))
        cluster_is_up(cluster.address, 1)
        alone = trained.apart("--cluster", cluster.address, *ONE)
        assert not (trained.folder / "artifacts" / "report.json").exists()
        cluster.worker("fresh")
        cluster_is_up(cluster.address, 2)
        beside = trained.apart("--cluster", cluster.address, *ONE)
    why = r"worker tcp://.*: it has project .* where the session has .*"
    assert alone.ret == pytest.ExitCode.USAGE_ERROR
    alone.stderr.re_match_lines([rf"ERROR: --cluster {cluster.address}: no worker can be taken; {why}"])
    assert not beside.parseoutcomes().keys() & {"errors", "failed"}
    beside.stdout.re_match_lines([r".*worker tcp://.* is refused: .*: it has project .*"])
    timeline = (trained.folder / "artifacts" / "timeline.jsonl").read_text().splitlines()
    assert {json.loads(line)["worker"] for line in timeline} == {"fresh"}


def cluster_is_up(address: str, workers: int, certificate: dict[str, str] | None = None) -> None:
    """Wait for workers, in a process of its own."""
    tls = {"tls_ca_file": certificate["ca-file"], "tls_client_cert": certificate["cert"]} if certificate else {}
    tls |= {"tls_client_key": certificate["key"]} if certificate else {}
    words = [
        "import distributed",
        f"security = distributed.Security(**{tls!r}) if {bool(tls)} else None",
        f"distributed.Client({address!r}, security=security).wait_for_workers({workers}, timeout=120)",
    ]
    subprocess.run([sys.executable, "-c", "; ".join(words)], check=True)
