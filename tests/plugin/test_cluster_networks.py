"""Schedulers and workers that share no folder: data is sent, a link is cut in mid-run, strangers are turned away."""

import subprocess
import sys
from pathlib import Path

import pytest
from clusters import processes, until
from namespaces import network
from projects import Project
from test_cluster_mishaps import MISHAPS, ONE, cluster_is_up
from test_cluster_sessions import trained, weights  # noqa: F401

IMPATIENT = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s"}  # the least that Dask takes


def received(folder: Path) -> list[Path]:
    return sorted(folder.glob("repro-batch-robustness/received/*/*"))


def test_nodes_without_data_or_a_shared_folder_make_the_runs_though_a_link_is_cut(
    trained: Project,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in IMPATIENT.items():
        monkeypatch.setenv(name, value)
    folder = trained.folder / "cluster"
    told = trained.folder / "told"
    mishap = {"MISHAP": "tells", "MISHAP_TOLD": str(told), "MISHAP_FILE": str(trained.folder / "begun.txt")}
    with network("one", "two") as machines, processes(folder) as cluster:
        cluster.scheduler(within=machines.within("hub"), host=machines.host)
        own = {name: {"XDG_CACHE_HOME": str(folder / f"cache-{name}")} for name in ("one", "two")}
        cluster.worker("one", "--preload", str(MISHAPS), within=machines.within("one"), **own["one"], **mishap)
        cluster.worker("two", within=machines.within("two"), **own["two"])
        words = [*machines.within("hub"), sys.executable, "-m", "pytest", *trained.arguments(*ONE)]
        with (trained.folder / "out.txt").open("wb") as out:
            session = subprocess.Popen([*words, "--cluster", cluster.address], stdout=out, stderr=out)
        cluster.begun.append(session)
        until(told.exists)
        if machines.real:
            machines.cut("one")
        else:
            cluster.begun[1].kill()
        status = session.wait(timeout=300)
    said = (trained.folder / "out.txt").read_text()
    assert status == 0, said
    assert f"cluster: {cluster.address}, " in said
    assert len(received(folder / "cache-one")) == len(received(folder / "cache-two")) == 1
    store = trained.folder / ".repro" / "store"
    made = weights(store)
    assert len(made) == 6
    here = trained.apart("-n0", *ONE, "--store", "here")
    assert not here.parseoutcomes().keys() & {"errors", "failed"}
    assert weights(trained.folder / "here") == made


def certificates(folder: Path, name: str) -> dict[str, str]:
    """An authority of this name, and a certificate of it."""
    parts = ("ca", "cakey", "key", "request", "cert")
    ca, ca_key, key, request, cert = (str(folder / f"{name}-{part}.pem") for part in parts)
    new, sign = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"], ["openssl", "x509", "-req", "-days", "2"]
    for command in (
        [*new, "-x509", "-days", "2", "-subj", f"/CN={name}", "-keyout", ca_key, "-out", ca],
        [*new, "-subj", "/CN=worker", "-keyout", key, "-out", request],
        [*sign, "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", cert],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return {"ca-file": ca, "cert": cert, "key": key}


def test_with_tls_the_session_is_let_in_and_a_stranger_is_not(
    trained: Project,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine, strangers = (certificates(trained.folder, name) for name in ("mine", "strangers"))
    options = [word for name, path in mine.items() for word in (f"--tls-{name}", path)]
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "5s")
    with processes(trained.folder / "cluster") as cluster:
        cluster.scheduler("--protocol", "tls", *options)
        assert cluster.address.startswith("tls://")
        cluster.worker("one", *options)
        give(monkeypatch, strangers)
        result = trained.apart(*ONE, "--cluster", cluster.address)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"ERROR: --cluster {cluster.address}: no scheduler could be reached there *"])
        assert weights(trained.folder / ".repro" / "store") == {}
        give(monkeypatch, mine)
        cluster_is_up(cluster.address, 1, mine)
        result = trained.apart(*ONE, "--cluster", cluster.address)
        assert not result.parseoutcomes().keys() & {"errors", "failed"}
    assert len(weights(trained.folder / ".repro" / "store")) == 6


def give(monkeypatch: pytest.MonkeyPatch, certificate: dict[str, str]) -> None:
    """Have the sessions to come read a certificate from Dask's configuration."""
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CA_FILE", certificate["ca-file"])
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT", certificate["cert"])
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY", certificate["key"])
