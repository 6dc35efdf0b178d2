"""The pages of ``docs`` become a site without a warning: links within it lead somewhere, and no page is left out."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import repro
import repro.claims

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def built(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "-b", "html"]
    doctrees = ["-d", str(site.parent / "doctrees")]
    return subprocess.run([*command, *doctrees, str(source), str(site)], capture_output=True, text=True, cwd=ROOT)


def test_it_is_built_without_a_warning(tmp_path: Path) -> None:
    result = built(DOCS, tmp_path / "site")
    assert (result.returncode, result.stderr) == (0, "")
    assert {page.stem for page in DOCS.glob("*.md")} <= {page.stem for page in (tmp_path / "site").glob("*.html")}


def test_a_link_that_leads_nowhere_breaks_it(tmp_path: Path) -> None:
    source = tmp_path / "docs"
    source.mkdir()
    (source / "conf.py").write_text((DOCS / "conf.py").read_text("utf-8"), "utf-8")
    (source / "index.md").write_text("# Title\n\n[nowhere](nowhere.md) and [no heading](#nothing)\n", "utf-8")
    result = built(source, tmp_path / "site")
    assert result.returncode != 0
    assert "nowhere.md" in result.stderr
    assert "nothing" in result.stderr


@pytest.mark.parametrize("door", [repro, repro.claims], ids=lambda door: door.__name__)
def test_the_reference_has_every_public_name(door: object) -> None:
    words = set(re.findall(r"\w+", (DOCS / "reference.md").read_text("utf-8")))
    assert set(door.__all__) - words == set()  # type: ignore[attr-defined]
