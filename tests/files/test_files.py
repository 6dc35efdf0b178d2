import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from repro.files.text import read_text, whole, write_text

ROOT = Path(__file__).parents[2]
IN_C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
WRITING = """
import sys
from pathlib import Path
from repro.files.text import read_text, write_text

path = Path("text")
write_text(path, "\\u03bb1 in " + sys.argv[1])
assert read_text(path) == "\\u03bb1 in D\\u00e4ten"
"""


def test_text_is_utf8_in_any_locale_and_so_is_what_a_path_puts_into_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITING, "Däten"]  # which the C locale holds in surrogates
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **IN_C}, check=True)
    assert (tmp_path / "text").read_bytes() == "λ1 in Däten".encode()


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"\xef\xbb\xbfseeds = 3")
    assert read_text(tmp_path / "text") == "seeds = 3"


def test_what_cannot_be_written_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "before")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "text", "after" * 10000 + "\ud800")
    assert (tmp_path / "text").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


@pytest.mark.parametrize("given", [True, False])
def test_what_takes_a_place_was_flushed_to_disk_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    """Even if who writes puts another file where the temporary one was."""
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append((os.fstat(handle).st_ino, os.fstat(handle).st_size)))
    path, data = tmp_path / "file", bytes(1000)
    with whole(path, data if given else None) as temporary:
        assert not path.exists()
        if not given:
            (tmp_path / "another").write_bytes(data)
            (tmp_path / "another").replace(temporary)
    assert path.read_bytes() == data
    assert flushed == [(path.stat().st_ino, 1000)]
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_system_that_writes_a_piece_at_a_time_is_given_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:7]))
    write_text(tmp_path / "text", "after " * 100)
    assert (tmp_path / "text").read_text() == "after " * 100


@pytest.mark.parametrize("broken", ["write", "fsync"])
def test_a_disk_that_fills_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    used = []

    def full(handle: int, *_: object) -> int:
        used.append(handle)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_text(tmp_path / "text", "before")
    monkeypatch.setattr(os, broken, full)
    with pytest.raises(OSError, match="No space"):
        write_text(tmp_path / "text", "after")
    assert (tmp_path / "text").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["text"]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(used[0])
