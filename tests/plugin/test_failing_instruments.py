"""Sessions in which an instrument fails its check: that is an error, and no word on the paper."""

import pytest
from projects import Project


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_an_instrument_that_fails_is_an_error_of_the_claims_on_its_measure_and_never_a_failed_claim(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    monkeypatch.setenv("PLAYED_FAULT", "lambda1_residual=9e9")
    result = project.run(processes, "-k", "it-is-unsure or it-fails or it-holds", "--verdicts-ok")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = result.parseoutcomes()
    assert (found["errors"], found["passed"], found["trend"]) == (1, 2, 1)
    assert "failed" not in found
    line = "InstrumentError: check lambda1-converged failed on StdCNN-MNIST lr=0.*; lambda1 is *"
    result.stdout.fnmatch_lines([line, "*it-is-unsure * error*"])
    assert "Traceback" not in result.stdout.str()
    report = project.report()
    assert {claim["id"] for claim in report["claims"]} == {"it-fails", "it-holds"}
    (error,) = report["errors"]
    assert (error["claim"], error["case"]) == ("it-is-unsure", "StdCNN-MNIST")
    assert error["error"].startswith("InstrumentError: check lambda1-converged failed on StdCNN-MNIST")


def test_the_checks_of_a_sound_instrument_stand_in_the_report(project: Project) -> None:
    project.run("-n0", "-k", "it-is-unsure or it-fails")
    checks = {claim["id"]: claim["instruments"] for claim in project.report()["claims"]}
    unchecked = ["same-logits", "lambda1-is-the-top", "lambda1-not-of-one-image"]  # not played
    came_to = {"runs": 6, "checks": 6, "unchecked": unchecked, "doubtful": 0, "lambda1_sampling": None}
    assert checks["it-is-unsure"] == came_to
    assert checks["it-fails"]["runs"] == 0
