"""Commands that list: claims, plans, the history of several reports, completion."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
from doors import DIFFERENT, EVERY, ROOT, SAME, outside, read, rewrite
from worlds import declared

from repro.cli import main


def test_every_claim_is_listed_with_its_sentence_section_rule_and_margin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "--root", str(ROOT)]) == SAME
    text = capsys.readouterr().out
    cases = [case for test in declared() for case in test.cases]
    for case in cases:
        assert f"\n{case.claim.id}  (" in f"\n{text}"
        assert f"rule {type(case.holds_if).__name__}: " in text
    words = " ".join(text.split())
    assert all(f"“{case.claim.says}” (section {case.claim.section})" in words for case in cases)
    assert f"{len({case.claim.id for case in cases})} claims, {EVERY} tests" in text


def test_claims_as_json_say_the_same_of_those_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["claims", "ratio-keeps-curvature", "--task", "M1-MNIST", "--json", "--root", str(ROOT)]
    assert main(arguments) == SAME
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["section"], row["rule"]) == ("ratio-keeps-curvature", "3", "Flat")
    assert (row["margins"], row["task"]) == (["a factor of 2"], "M1-MNIST")


def test_a_plan_is_that_of_pytest_with_its_options(tmp_path: Path) -> None:
    options = ("--quick", "--seeds", "3", "-k", "ratio-keeps-curvature and StdCNN-MNIST", "--store", str(tmp_path))
    found = outside("plan", *options)
    assert (found.returncode, found.stderr) == (SAME, "")
    assert "1 claim test on 1 curve needs 6 runs" in found.stdout
    wrong = outside("plan", "--task", "nowhere")
    assert wrong.returncode == 2
    assert "--task nowhere: " in wrong.stdout + wrong.stderr


def test_several_reports_are_a_history_of_the_claims_that_changed(
    artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports, first = [artifacts], read(artifacts)
    for name in ("second", "third"):
        (tmp_path / name).mkdir()
        reports.append(tmp_path / name)
        rewrite(tmp_path / name, copy.deepcopy(first))
    three = list(map(str, reports))
    assert main(["diff", *three]) == SAME
    assert "Nothing changed: " in capsys.readouterr().out
    entry = read(reports[2])
    was = entry["claims"][3]["outcome"]
    turned = "holds" if was == "fails" else "fails"
    entry["claims"][3]["outcome"] = turned
    del entry["claims"][5]
    rewrite(reports[2], entry)
    assert main(["diff", *three]) == DIFFERENT
    text = capsys.readouterr().out
    name = f"{first['claims'][3]['id']} [{first['claims'][3]['case']}]"
    (line,) = (line for line in text.splitlines() if line.startswith(name))
    assert line.removeprefix(name).split() == [*was.split(), *was.split(), *turned.split()]
    assert f"{EVERY - 2} of {EVERY} claim tests have one outcome in all of them" in text
    assert main(["diff", *three, "--json"]) == DIFFERENT
    found = json.loads(capsys.readouterr().out)
    assert [row["outcomes"][2] for row in found["claims"] if row["changed"]] == [turned, "-"]
    for place in reports:  # a test with a further parameter, which turned the other way, hides nothing
        told = read(place)
        told["claims"].append({**first["claims"][3], "test": first["claims"][3]["test"].replace("]", "-by night]")})
        rewrite(place, told)
    assert main(["diff", *three, "--json"]) == DIFFERENT
    assert json.loads(capsys.readouterr().out)["claims"][3]["outcomes"] == [was, was, turned]


def test_a_shell_can_complete_commands_and_options() -> None:
    environment = {"_REPRO_COMPLETE": "bash_complete", "COMP_WORDS": "repro ver", "COMP_CWORD": "1", "PATH": ""}
    program = [sys.executable, "-m", "repro"]
    found = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert found.stdout.split() == ["plain,verify"]
