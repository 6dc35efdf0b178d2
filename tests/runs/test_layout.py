"""The version of a store's layout: who may read it, who is told to update, and where that is said."""

import subprocess
import sys
from pathlib import Path

import pytest
from worlds import prepared

from repro.errors import SettingError
from repro.runs.layout import LAYOUT, require_layout
from repro.runs.store import Store

ROOT = Path(__file__).parents[2]


def test_a_store_says_its_version_once_it_is_prepared_and_one_that_does_not_is_of_the_first(tmp_path: Path) -> None:
    require_layout(tmp_path / "none")
    store = prepared(tmp_path / "store")
    assert (store.root / "layout").read_text() == f"{LAYOUT}\n"
    (store.root / "layout").unlink()
    require_layout(store.root)
    store.prepare()
    require_layout(store.root)


@pytest.mark.parametrize("text", [str(LAYOUT + 1), "99", "0", "-1", "", "two", "1.5", "9" * 5000, "1\n2", "\x1b[2J"])
def test_another_version_is_refused_in_one_line_and_nothing_is_touched(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path / "store")
    store.root.mkdir()
    (store.root / "layout").write_text(text)
    for refused in (lambda: require_layout(store.root), store.prepare):
        with pytest.raises(SettingError) as told:
            refused()
        (line,) = str(told.value).splitlines()
        assert line.startswith(f"--store {store.root}: its ")
        assert line.isprintable()
    assert [path.name for path in store.root.iterdir()] == ["layout"]
    assert (store.root / "layout").read_text() == text


def test_a_folder_in_the_place_of_the_file_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "layout").mkdir()
    with pytest.raises(SettingError, match="must hold the version"):
        require_layout(tmp_path)


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["pytest", "claims", "--quick", "--plan", "-p", "no:cacheprovider", "-p", "repro.plugin"], 4),
        (["repro", "verify", "artifacts/published"], 2),
        (["repro", "clean"], 2),
        (["repro", "pack", "bundles"], 2),
        (["repro", "unpack", "runs-001.zip"], 2),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_sessions_and_commands_refuse_it(tmp_path: Path, command: list[str], status: int) -> None:
    store = prepared(tmp_path / "store").root
    (store / "layout").write_text("2\n")
    (bundle := tmp_path / "runs-001.zip").touch()  # else unpack has nothing to put into a store
    named = [str(bundle) if part == "runs-001.zip" else part for part in [*command, "--store", str(store)]]
    done = subprocess.run([sys.executable, "-m", *named], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    line = f"--store {store}: its layout is version 2, and this program knows those up to 1; update it, "
    assert line in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
