"""The timeline of a page: which process made which run when."""

import json
import re
from pathlib import Path

from repro.report.page.timeline import timeline


def test_processes_stand_over_the_time_that_passed(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl"
    events = [
        {"event": event, "run": "a", "name": "M1 seed 0", "worker": worker, "time": 1e9 + 60 * minute}
        for worker, spent in (("gw0", (0, 90)), ("gw1", (30, 60)))
        for event, minute in zip(("begin", "end"), spent, strict=True)
    ]
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    found = timeline(path)
    assert found is not None
    assert found.says == "2 measurements made by 2 processes in 90 minutes, busy for 67% of that"
    assert re.findall(r">([^<>]+)</text>", found.svg) == ["gw0", "gw1", "0", "45 minutes", "90 minutes"]
    assert re.findall(r"<title>([^<>]+)</title>", found.svg) == ["M1 seed 0, 90 minutes", "M1 seed 0, 30 minutes"]


def test_a_file_that_is_none_is_left_out(tmp_path: Path) -> None:
    assert timeline(tmp_path / "timeline.jsonl") is None
    (tmp_path / "timeline.jsonl").write_text("[1]\nno json\n")
    assert timeline(tmp_path / "timeline.jsonl") is None
