"""File systems without locks are played by the system's call: those of this machine have them."""

import errno
import fcntl
import os
from pathlib import Path

import filelock
import pytest

from repro.errors import SettingError
from repro.files.locks import check_locks, locked

REFUSALS = ("ENOLCK", "EOPNOTSUPP", "ENOSYS", "EPERM", "EIO")


def refuse(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    number = getattr(errno, name)

    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_a_file_system_that_refuses_locks_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, there: bool
) -> None:
    if there:
        (tmp_path / "a.lock").touch()
    refuse(monkeypatch, name)
    line = r"^--store here: must be on a file system with file locks, .+\(.+\)$"
    with pytest.raises(SettingError, match=line) as told, locked(tmp_path / "a.lock", "--store here", timeout=0):
        pass
    assert str(tmp_path / "a.lock") in str(told.value)


@pytest.mark.parametrize("name", [*REFUSALS, "EACCES", "EAGAIN"])
def test_a_folder_is_checked_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    check_locks(tmp_path, "--store here")
    refuse(monkeypatch, name)  # the last two say that another process holds the lock, which none can
    with pytest.raises(SettingError, match=r"^--store here: must be on a file system with file locks, "):
        check_locks(tmp_path, "--store here")
    assert not [*tmp_path.iterdir()]


def test_a_lock_of_another_user_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: str, *_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(os, "open", opened)  # permissions do not stop root
    line = r"a\.lock .+ \(Permission denied\)"
    with pytest.raises(SettingError, match=line), locked(tmp_path / "a.lock", "--store here", timeout=0):
        pass


def test_a_lock_is_held_by_one_until_its_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with locked(path, "here"), pytest.raises(filelock.Timeout), locked(path, "here", timeout=0):
        pass
    with locked(path, "here", timeout=0):
        pass
