"""Parts of a session that share nothing: each makes its own runs; together they come to the whole session's report."""

import shutil
from pathlib import Path

import pytest
from projects import Project

LIVE = ("-k", "it-holds or it-fails or it-is-unsure or it-is-drawn")
COUNT = 3


def store(project: Project, name: str) -> tuple[str, str]:
    return "--store", str(project.folder / name)


def made(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.glob("runs/*/*.json")}


def shorn(claims: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{**claim, "rerun": ""} for claim in claims]


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_parts_brought_together_give_the_report_of_the_whole_session(project: Project, processes: str) -> None:
    whole = project.run(processes, *LIVE, "--verdicts-ok", *store(project, "whole"))
    assert whole.ret == 0
    expected, begun = project.report(), len(project.runs())
    for number in range(1, COUNT + 1):
        part = project.run(processes, *LIVE, "--shard", f"{number}/{COUNT}", *store(project, f"part{number}"))
        assert part.ret == 0
        assert part.parseoutcomes().keys() <= {"skipped", "deselected", "passed", "inconclusive"}
    parts = [made(project.folder / f"part{number}") for number in range(1, COUNT + 1)]
    assert all(parts)
    assert sum(map(len, parts)) == len(set().union(*parts))  # nothing was made twice
    for number in range(1, COUNT + 1):
        shutil.copytree(project.folder / f"part{number}" / "runs", project.folder / "all" / "runs", dirs_exist_ok=True)
    trained = len(project.runs())
    together = project.run(processes, *LIVE, "--verdicts-ok", *store(project, "all"))
    assert together.ret == 0
    assert made(project.folder / "all") == made(project.folder / "whole")
    assert shorn(project.report()["claims"]) == shorn(expected["claims"])
    assert len(project.runs()) - trained < begun / 4  # no more than the transfers between parts


def test_a_part_says_what_it_made_and_how_parts_come_together(project: Project) -> None:
    result = project.run("-n0", "-k", "it-holds", "--shard", "1/2", *store(project, "part"))
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "2 claim tests on 2 curves need 12 runs, *",
            "shard 1/2: 2 claim tests on 2 curves need * runs, 0 trained, 0 measured; *",
            f"shard 1/2: * measurements made, stored in {project.folder / 'part'}",
            "when all 2 shards have ended, bring their stores together *",
        ]
    )
    assert not (project.folder / "artifacts" / "report.json").exists()


def test_a_claim_that_lacks_runs_of_other_parts_is_skipped_and_says_so(project: Project) -> None:
    result = project.run("-n0", "-k", "it-is-unsure", "--shard", "2/2", "-rs")
    result.stdout.re_match_lines([r"SKIPPED .*no verdict: \d+ of its \d+ measurements are not those of shard 2/2"])


def test_a_claim_that_is_stored_whole_has_its_verdict_and_the_report_names_the_part(project: Project) -> None:
    project.run("-n0", "-k", "it-is-unsure")
    result = project.run("-n0", "-k", "it-is-unsure", "--shard", "1/2")
    assert result.parseoutcomes()["inconclusive"] == 1
    assert "--shard 1/2" in project.report()["session"]["partial"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--shard", "9/8"], "ERROR: --shard 9/8: must be K/N with K from 1 to N, as in 3/8"),
        (
            ["--shard", "1/2", "--seeds", "until-decided"],
            "ERROR: --shard 1/2: cannot be combined with --seeds until-decided, for a part decides nothing; *",
        ),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(project: Project, options: list[str], line: str) -> None:
    result = project.bare("claims", "--quick", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([line])
