"""A worker whose GPU failed is replaced, and what broke it is not tried again."""

import re

import pytest
from projects import Project

from repro.science.computing.faults import lost_gpu


@pytest.fixture
def faulty(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A machine of one GPU, which fails in every run of M1-MNIST."""
    monkeypatch.setenv("PLAYED_GPUS", "1")
    monkeypatch.setenv("PLAYED_GPU_FAULT", "1")
    return project


ENDED = r"worker (gw\d) ended and was replaced, since its GPU failed over (M1-MNIST .*): RuntimeError: CUDA error: .*"


def test_the_test_is_an_error_and_the_others_are_decided(faulty: Project) -> None:
    result = faulty.run("--gpu", "-n1", "--seeds", "2")
    report = faulty.report()
    assert {error["case"] for error in report["errors"]} == {"M1-MNIST"}
    assert len(report["claims"]) == 6
    result.stdout.re_match_lines([ENDED])


def test_what_broke_a_gpu_is_tried_once_and_each_worker_is_replaced(faulty: Project) -> None:
    """Two workers help each other, so one may be at another's test when a run of M1-MNIST breaks its GPU."""
    result = faulty.run("--gpu", "-n2", "--seeds", "2")
    found = [match for line in result.outlines if (match := re.fullmatch(ENDED, line))]
    workers, runs = {match[1] for match in found}, [match[2] for match in found]
    assert len(workers) == len(runs) == len({*runs}) > 0
    report = faulty.report()
    assert len(report["errors"]) <= len(runs)
    assert len(report["claims"]) + len(report["errors"]) == 7
    assert "M1-MNIST" in {error["case"] for error in report["errors"]}


def test_without_workers_the_session_goes_on_in_its_process(faulty: Project) -> None:
    result = faulty.run("--gpu", "-n0", "--seeds", "2")
    result.stdout.no_fnmatch_line("*ended and was replaced*")
    assert any("CUDA error" in error["error"] for error in faulty.report()["errors"])


def test_what_is_no_failure_of_cuda_ends_no_worker() -> None:
    class AcceleratorError(RuntimeError):
        """By its name, as PyTorch's."""

    assert lost_gpu(AcceleratorError("something"))
    assert lost_gpu(RuntimeError("CUDA error: unspecified launch failure"))
    cause = RuntimeError("CUDA error: device-side assert triggered")
    outer = ValueError("and so")
    outer.__cause__ = cause
    assert lost_gpu(outer)
    assert not lost_gpu(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert not lost_gpu(ValueError("CUDA error: said by another"))
