"""Files that are put somewhere together: all of them or none, whatever happens in between."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from repro.files.staged import current, staged

ROOT = Path(__file__).parents[2]
NAMES = ("a.json", "b.md", "deeper/c.png")


def put(folder: Path, text: str) -> None:
    with staged(folder) as own:
        for name in NAMES:
            (own / name).parent.mkdir(exist_ok=True)
            (own / name).write_text(text)


def there(folder: Path) -> dict[str, str]:
    """What a reader finds under the names."""
    return {name: path.read_text() for name in NAMES if (path := current(folder, name)).exists()}


def test_all_files_take_their_places_and_nothing_else_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    for text in ("old", "new"):
        put(folder, text)
        assert there(folder) == dict.fromkeys(NAMES, text)
        assert {path.name for path in folder.iterdir()} == {"a.json", "b.md", "deeper"}
        assert {(folder / name).stat().st_mode & 0o777 for name in NAMES} == {0o644}


def test_what_breaks_meanwhile_changes_nothing(tmp_path: Path) -> None:
    put(tmp_path, "old")

    def half() -> None:
        with staged(tmp_path) as own:
            (own / "a.json").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert there(tmp_path) == dict.fromkeys(NAMES, "old")
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "b.md", "deeper"}


def test_a_folder_in_the_place_of_a_file_is_told_before_anything_changes(tmp_path: Path) -> None:
    (tmp_path / "b.md").mkdir()
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(IsADirectoryError):
        put(tmp_path, "new")
    assert (tmp_path / "a.json").read_text() == "old"


def test_a_link_is_not_followed_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.write_text("of somebody else")
    (folder / "a.json").symlink_to(elsewhere)
    os.mkfifo(folder / "b.md")
    put(folder, "new")
    assert there(folder) == dict.fromkeys(NAMES, "new")
    assert elsewhere.read_text() == "of somebody else"


def test_a_copy_that_is_the_same_file_keeps_what_it_had(tmp_path: Path) -> None:
    put(tmp_path / "folder", "old")
    (tmp_path / "copy").hardlink_to(tmp_path / "folder" / "a.json")
    put(tmp_path / "folder", "new")
    assert (tmp_path / "copy").read_text() == "old"


KILLED = """
import os, signal, sys
from pathlib import Path
left = int(sys.argv[2])
def counted(real):
    def call(*arguments, **rest):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return real(*arguments, **rest)
    return call
for name in ("replace", "rename", "chmod", "unlink", "rmdir"):
    setattr(os, name, counted(getattr(os, name)))
from repro.files.staged import staged
with staged(Path(sys.argv[1])) as own:
    for name in ("a.json", "b.md", "deeper/c.png"):
        (own / name).parent.mkdir(exist_ok=True)
        (own / name).write_text("new")
"""


def test_a_writer_that_is_killed_at_any_instant_leaves_the_old_files_or_the_new(tmp_path: Path) -> None:
    seen = []
    for instant in range(100):
        folder = tmp_path / str(instant)
        put(folder, "old")
        arguments = [sys.executable, "-c", KILLED, str(folder), str(instant)]
        done = subprocess.run(arguments, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
        found = there(folder)
        assert found in (dict.fromkeys(NAMES, "old"), dict.fromkeys(NAMES, "new"))
        seen.append(found["a.json"])
        put(folder, "newer")  # and the next writer is not hindered
        assert there(folder) == dict.fromkeys(NAMES, "newer")
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert done.returncode == 0
    assert seen == sorted(seen, reverse=True)  # the old ones until some instant, and the new ones from then on
    assert len(set(seen)) == 2
    assert len(seen) > len(NAMES)


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    import resource

    put(tmp_path, "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            put(tmp_path, "new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert there(tmp_path) == dict.fromkeys(NAMES, "old")


def test_what_a_killed_writer_left_long_ago_is_removed(tmp_path: Path) -> None:
    for name, age in (("long-ago", 7200), ("just-now", 0)):
        left = tmp_path / f".writing-all-{name}"
        left.mkdir()
        (left / "a.json").write_text("half")
        now = left.stat().st_mtime
        os.utime(left, (now - age, now - age))
    put(tmp_path, "new")
    assert [path.name for path in tmp_path.glob(".writing-*")] == [".writing-all-just-now"]
