"""What --cluster takes, and what is said of anything else."""

import fnmatch
import os
from pathlib import Path

import pytest
from projects import Project

DOCUMENTED = Path(__file__).parents[2] / "docs" / "clusters"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--cluster", "host"], "ERROR: --cluster host: must be tcp://HOST:PORT, tls://HOST:PORT, local:N with N *"),
        (["--cluster", "local:0"], "ERROR: --cluster local:0: must be tcp://HOST:PORT, *"),
        (["--cluster", "tcp://host"], "ERROR: --cluster tcp://host: must be tcp://HOST:PORT, *"),
        (["--cluster", "local:2", "-n2"], "ERROR: --cluster local:2: cannot be combined with -n, *; leave -n out"),
        (["--cluster", "none.toml"], "ERROR: --cluster none.toml: must be * or a TOML file; there is no such file"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(project: Project, options: list[str], line: str) -> None:
    result = project.apart("-k", "it-is-unsure", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([line])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind = ", "must be TOML with kind and workers"),
        ('kind = "slurm"', "must be TOML with kind and workers"),
        (
            'kind = "abacus"\nworkers = 2',
            "must have kind (slurm or cuda), workers (a number) and",
        ),
        ('kind = "slurm"\nworkers = 0', "must have kind (slurm or cuda)"),
        ('kind = "slurm"\nworkers = true', "must have kind (slurm or cuda)"),
        ('kind = ["slurm"]\nworkers = 2', "must have kind (slurm or cuda)"),
        ('kind = "slurm"\nworkers = 2\ncores = 1', "must have kind (slurm or cuda)"),
    ],
)
def test_a_file_that_describes_no_cluster_is_told_in_one_line(project: Project, text: str, says: str) -> None:
    project.add("mine.toml", text)
    result = project.apart("-k", "it-is-unsure", "--cluster", "mine.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: --cluster mine.toml: {says}" in result.stderr.str()


def test_where_nobody_listens_one_line_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    result = project.apart("-k", "it-is-unsure", "--cluster", "tcp://127.0.0.1:1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --cluster tcp://127.0.0.1:1: no scheduler could be reached there *"])


def test_a_plan_says_what_many_workers_would_take_and_reaches_none(project: Project) -> None:
    result = project.apart("-k", "it-is-unsure", "--cluster", "tcp://127.0.0.1:1", "--plan")
    assert result.ret == 0
    result.stdout.re_match_lines(
        [rf"{count} workers: about .*; at least .* \(the longest run\)" for count in (8, 64, 256)]
    )


def test_where_nothing_is_missing_no_cluster_is_reached(project: Project) -> None:
    project.run("-n0", "-k", "it-is-unsure")
    result = project.apart("-k", "it-is-unsure", "--cluster", "tcp://127.0.0.1:1")
    assert result.parseoutcomes()["inconclusive"] == 1


@pytest.mark.parametrize(
    ("package", "cluster", "says"),
    [
        ("distributed", "local:2", "needs Dask (*); pip install distributed"),
        ("dask_jobqueue", "slurm.toml", "needs dask_jobqueue; pip install dask-jobqueue"),
        ("dask_cuda", "cuda.toml", "needs dask_cuda; pip install dask-cuda"),
    ],
)
def test_what_is_not_installed_is_named_with_how_to_get_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, package: str, cluster: str, says: str
) -> None:
    """The documents' own files are read on the way."""
    absent = f"raise ModuleNotFoundError('No module named {package}')"
    project.add(f"absent/{package}.py", absent)
    monkeypatch.setenv("PYTHONPATH", f"{project.folder / 'absent'}:{os.environ['PYTHONPATH']}")
    if cluster.endswith(".toml"):
        project.add(cluster, (DOCUMENTED / cluster).read_text())
    result = project.apart("-k", "it-is-unsure", "--cluster", cluster)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = (line for line in result.stderr.lines if line.startswith("ERROR"))
    assert fnmatch.fnmatchcase(line, f"ERROR: --cluster {cluster}: {says}".replace("[cluster]", "[[]cluster]"))
