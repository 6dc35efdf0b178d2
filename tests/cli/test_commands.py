"""The second door from outside: usage, bad input, exit status. What the commands find out is tested beside its code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doors import BAD_INPUT, DIFFERENT, EVERY, ROOT, SAME, outside, read, rewrite

from repro.cli import main
from repro.cli.commands import commands


@pytest.mark.parametrize("arguments", [[], ["-h"]])
def test_usage_names_the_commands_with_examples(arguments: list[str]) -> None:
    found = outside(*arguments)
    assert found.returncode == SAME
    for text in ("Usage: python -m repro", "verify", "diff", "examples:", "exit status: 0"):
        assert text in found.stdout
    assert found.stderr == ""


@pytest.mark.parametrize("command", commands.commands)
def test_each_command_has_a_usage_that_says_its_exit_status(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == SAME
    text = capsys.readouterr().out
    assert f"Usage: python -m repro {command}" in text
    assert "Exit status 0" in " ".join(text.split())


# Keeps what a process imports in a file, for a look after it has ended.
WATCHED = """
import sys
from repro.cli import main
status = main(sys.argv[1:])
print("imported:", *sorted({"torch", "torchvision", "matplotlib", "hypothesis"} & sys.modules.keys()))
sys.exit(status)
"""


def test_verify_recomputes_every_claim_of_the_paper_without_torch(artifacts: Path) -> None:
    found = outside("verify", str(artifacts), program=("-c", WATCHED))
    assert found.stderr == ""
    *_, summary, imported = found.stdout.splitlines()
    assert summary.startswith(f"{EVERY} of {EVERY} claims of this checkout checked in ")
    assert summary.endswith(": all agree")
    assert imported == "imported:"
    assert found.returncode == SAME


def test_diff_needs_no_torch_either(artifacts: Path) -> None:
    found = outside("diff", str(artifacts), str(artifacts / "report.json"), program=("-c", WATCHED))
    assert found.stdout.splitlines()[-1] == "imported:"
    assert (
        f"Nothing changed. {EVERY} claim tests in both: {EVERY} with the same outcome, 0 with another." in found.stdout
    )
    assert found.returncode == SAME


def tampered(report: dict[str, Any]) -> None:
    report["claims"][7].update(estimate=12.5)


def less(report: dict[str, Any]) -> None:
    del report["claims"][7]


def more(report: dict[str, Any]) -> None:
    report["claims"].append({**report["claims"][7], "test": "claims/test_gone.py::test_gone", "id": "gone"})


def longer(report: dict[str, Any]) -> None:
    report["session"]["regime"]["tasks"]["M1-MNIST"]["epochs"] = 77


VERIFIED: dict[str, tuple[Callable[[dict[str, Any]], None], list[str]]] = {
    "tampered": (
        tampered,
        ["DIFFERS curvature-does-not-decide [", "    estimate: 12.5 in the report, ", f"{EVERY - 1} agree, 1 differ"],
    ),
    "less": (less, ["ONLY IN THE CHECKOUT: 1 claim test", f"{EVERY - 1} agree"]),
    "more": (more, ["ONLY IN THE REPORT: 1 claim test", "    gone [", f"{EVERY} agree, 1 only in the report"]),
    "longer": (longer, ["MISSING from the store, or damaged there: ", "M1-MNIST lr=0.01 ", "    and ", "lack runs"]),
}


@pytest.mark.parametrize(("change", "said"), VERIFIED.values(), ids=VERIFIED)
def test_verify_names_what_differs(
    artifacts: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], None],
    said: list[str],
) -> None:
    report = read(artifacts)
    change(report)
    rewrite(artifacts, report)
    assert main(["verify", str(artifacts), "--root", str(ROOT)]) == DIFFERENT
    text = capsys.readouterr().out
    for words in said:
        assert words in text


def test_a_narrowed_session_need_not_have_every_claim(artifacts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = read(artifacts)
    report["session"]["partial"] = ["-k momentum"]
    less(report)
    rewrite(artifacts, report)
    assert main(["verify", str(artifacts), "--root", str(ROOT)]) == SAME
    text = capsys.readouterr().out
    excuse = "no difference, for the session left them out (-k momentum)"
    assert f"ONLY IN THE CHECKOUT: 1 claim test; {excuse}\n    claims/test_section_" in text
    assert f"\n{EVERY - 1} of {EVERY} claims of this checkout checked in " in text


def test_a_store_elsewhere_is_named(artifacts: Path, filled: tuple[Path, dict[str, Any]]) -> None:
    (artifacts / "store").unlink()
    assert main(["verify", str(artifacts), "--root", str(ROOT)]) == BAD_INPUT
    assert main(["verify", str(artifacts), "--root", str(ROOT), "--store", str(filled[0])]) == SAME


def test_verify_changes_nothing(artifacts: Path, filled: tuple[Path, dict[str, Any]]) -> None:
    def state() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for path in [*artifacts.iterdir(), *filled[0].rglob("*")])

    before = state()
    main(["verify", str(artifacts), "--root", str(ROOT)])
    assert state() == before


def test_diff_as_json_is_one_document(artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other"
    other.mkdir()
    report = read(artifacts)
    less(report)
    rewrite(other, report)
    assert main(["diff", str(artifacts), str(other), "--json"]) == DIFFERENT
    found = json.loads(capsys.readouterr().out)
    assert (found["same"], found["common"], len(found["only_first"])) == (False, EVERY - 1, 1)


def test_diff_tells_the_most_important_first(
    artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    report = read(artifacts)
    turned = "holds" if report["claims"][0]["outcome"] == "fails" else "fails"
    report["claims"][0].update(outcome=turned, verdict="other word")
    report["claims"][1].update(estimate=1e3, interval=[999.0, 1001.0])
    report["claims"][2].update(declared="0123456789ab")
    report["claims"][3].update(id="another")
    report["session"].update(device="cuda")
    longer(report)
    rewrite(other, report)
    assert main(["diff", str(artifacts), str(other)]) == DIFFERENT
    text = capsys.readouterr().out
    parts = [
        "Something changed",
        "Verdicts that changed (1)",
        "Estimates that moved beyond both",
        "Declared differently",
    ]
    parts += ["Claims only in A (1)", "Claims only in B (1)", "Settings (1)", "Circumstances"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "  M1-MNIST, epochs: 2 -> 77" in text
    assert "  device: cpu -> cuda" in text
    assert "    B  other word" in text


Bad = tuple[list[str], str]
BAD: dict[str, Bad] = {
    "unknown command": (["check"], "there is no command 'check': must be one of audit, calibrate, "),
    "mistyped command": (["verfy"], "there is no command 'verfy'; did you mean verify?"),
    "mistyped option": (["verify", "good", "--stroe", "x"], "there is no option --stroe; did you mean --store"),
    "mistyped claim": (["claims", "counter-exmaple"], "claim counter-exmaple: there is none; did you mean counter-ex"),
    "mistyped task": (["claims", "--task", "M1-MNSIT"], "task M1-MNSIT: there is none; did you mean M1-MNIST or "),
    "no artifacts": (["verify"], "Missing argument 'ARTIFACTS'"),
    "one report": (["diff", "good"], "it takes two reports or more, and was given one"),
    "unknown option": (["verify", "good", "--gpu"], "there is no option --gpu"),
    "artifacts nowhere": (["verify", "nowhere"], "nowhere: must be an artifacts folder or a report.json"),
    "artifacts empty": (["verify", "empty"], "empty/report.json: there is no such file"),
    "damaged": (["verify", "damaged"], "damaged/report.json: is damaged, or no JSON"),
    "store nowhere": (["verify", "good", "--store", "nowhere"], "--store nowhere: nowhere must be the folder"),
    "store empty": (["verify", "good", "--store", "empty"], "--store empty: empty must be the folder"),
    "root nowhere": (["verify", "good", "--root", "nowhere"], "--root nowhere: has no folder claims of its own"),
    "root without claims": (["verify", "good", "--root", "empty"], "--root empty: has no folder claims of its own"),
    "second nowhere": (["diff", "good", "nowhere"], "nowhere: must be an artifacts folder or a report.json"),
    "second damaged": (["diff", "good", "damaged"], "damaged/report.json: is damaged, or no JSON"),
}


@pytest.mark.parametrize(("arguments", "line"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_told_in_one_line(
    tmp_path: Path,
    artifacts: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    line: str,
) -> None:
    artifacts.rename(tmp_path / "good")
    for name in ("empty", "damaged"):
        (tmp_path / name).mkdir()
    (tmp_path / "damaged" / "report.json").write_text('{"format"')
    monkeypatch.chdir(tmp_path)
    try:
        status = main(arguments)
    except SystemExit as exit:
        status = exit.code  # type: ignore[assignment]
    assert status == BAD_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("python -m repro")
    assert line in err
    assert err.count("\n") == 1


BROKEN = {
    "a claim file that breaks": ("claims/test_it.py", "import nonsense\n", "No module named 'nonsense'"),
    "a conftest that breaks": ("conftest.py", "1 / 0\n", "ZeroDivisionError"),
    "no settings": ("pytest.ini", "[pytest]\nminversion = 99\n", "requires pytest-99"),
}


@pytest.mark.parametrize(("name", "text", "line"), BROKEN.values(), ids=BROKEN)
def test_claims_that_cannot_be_collected_are_told_in_one_line(
    tmp_path: Path, artifacts: Path, name: str, text: str, line: str
) -> None:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "test_it.py").touch()
    (tmp_path / name).write_text(text)
    found = outside("verify", str(artifacts), "--root", str(tmp_path))
    assert found.returncode == BAD_INPUT
    assert f"the claims in {tmp_path} cannot be collected: " in found.stderr
    assert line in found.stderr
    assert found.stderr.count("\n") == 1
