import hashlib
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import filelock
import pytest
import torchvision

from repro.errors import DataError, SettingError
from repro.experiment.datasets import DATASETS
from repro.science.data import sources
from repro.science.data.sources import ENVIRONMENT, Source, cache_folder, chosen_root, is_whole, resolve

REAL_FILES = {name: known.files for name, known in DATASETS.items()}
CONTENT = {"MNIST": {"MNIST/raw/a": b"first", "MNIST/raw/b": b"second"}, "CIFAR10": {"batches/c": b"third"}}


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data sets of a few bytes, and no folder named by the environment."""
    md5 = {name: {path: hashlib.md5(data).hexdigest() for path, data in c.items()} for name, c in CONTENT.items()}
    for name, known in [*DATASETS.items()]:
        monkeypatch.setitem(DATASETS, name, replace(known, files=md5.get(name, {})))
    monkeypatch.delenv(ENVIRONMENT, raising=False)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder, empty; its folder ``data`` is searched."""
    monkeypatch.setattr(sources, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "data"


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """The downloads that were tried; none succeeds."""
    tried: list[tuple[str, Path]] = []
    monkeypatch.setattr(sources, "_downloaded", lambda *what: bool(tried.append(what)))
    return tried


def filled(root: Path, *names: str) -> Path:
    for name in names or CONTENT:
        for path, data in CONTENT[name].items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
    return root


# --- a download that is under way ---


def test_half_a_file_of_a_download_that_is_under_way_is_waited_for(cache: Path, downloads: list[Any]) -> None:
    filled(cache)
    (cache / "MNIST/raw/b").write_bytes(b"sec")
    begun = threading.Event()

    def finish() -> None:
        with filelock.FileLock(cache / "MNIST.lock"):
            begun.set()
            time.sleep(0.3)
            filled(cache)

    downloading = threading.Thread(target=finish)
    downloading.start()
    begun.wait()
    assert resolve(["MNIST"], None, surrogate_allowed=False)["MNIST"].root == cache
    downloading.join()
    (cache / "MNIST/raw/b").write_bytes(b"sec")  # and nobody is at it
    with pytest.raises(DataError, match="MNIST/raw/b: damaged"):
        resolve(["MNIST"], None, surrogate_allowed=False)
    assert downloads == []


# --- the order of search ---


def test_the_option_comes_before_the_environment_before_the_cache_before_a_download(
    tmp_path: Path, cache: Path, downloads: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    option, environment = filled(tmp_path / "option"), filled(tmp_path / "environment")
    filled(cache, "MNIST")
    monkeypatch.setenv(ENVIRONMENT, str(environment))
    assert resolve(["MNIST"], str(option), surrogate_allowed=True)["MNIST"].root == option
    assert resolve(["MNIST"], None, surrogate_allowed=True)["MNIST"].root == environment
    monkeypatch.delenv(ENVIRONMENT)
    assert resolve(["MNIST"], None, surrogate_allowed=True)["MNIST"].root == cache
    assert downloads == []
    resolve(["CIFAR10"], None, surrogate_allowed=True)
    assert downloads == [("CIFAR10", cache)]


def test_every_data_set_asked_for_is_found_where_it_is(tmp_path: Path) -> None:
    root = filled(tmp_path)
    found = resolve(["CIFAR10", "MNIST"], str(root), surrogate_allowed=False)
    assert found == {name: Source(name, "published", root) for name in ("CIFAR10", "MNIST")}


def test_an_empty_environment_variable_names_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "")
    assert chosen_root(None) is None


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_root("~/data") == (Path.home() / "data", "--data-root")
    monkeypatch.setenv(ENVIRONMENT, "~/other")
    assert chosen_root(None) == (Path.home() / "other", ENVIRONMENT)


# --- a folder that the user named ---


@pytest.mark.parametrize("how", ["--data-root", ENVIRONMENT])
def test_the_home_of_somebody_who_does_not_exist_is_told_in_one_line(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    option = "~nobody-of-that-name/x"
    if how == ENVIRONMENT:
        monkeypatch.setenv(ENVIRONMENT, option)
    with pytest.raises(SettingError, match=rf"^{how} {option}: must be a folder \(.*\)$"):
        resolve(["MNIST"], option if how == "--data-root" else None, surrogate_allowed=True)


@pytest.mark.parametrize("how", ["--data-root", ENVIRONMENT])
@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda _: None, r"must be a folder that holds MNIST as torchvision lays it out"),
        (lambda root: root.write_text(""), r"must be a folder that holds MNIST as torchvision lays it out"),
        (lambda root: root.mkdir(), r"holds no MNIST; its files are expected there, like MNIST/raw/a"),
        (lambda root: filled(root, "CIFAR10"), r"holds no MNIST; .* like MNIST/raw/a"),
        (lambda root: (filled(root) / "MNIST/raw/b").unlink(), r"holds no MNIST; .* like MNIST/raw/a"),
    ],
    ids=["missing", "a file", "empty", "another data set", "incomplete"],
)
def test_a_named_folder_that_will_not_do_is_told_in_one_line_and_left_alone(
    how: str,
    prepare: Any,
    message: str,
    tmp_path: Path,
    cache: Path,
    downloads: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled(cache)  # which must not be taken instead
    root = tmp_path / "named"
    prepare(root)
    before = sorted(tmp_path.rglob("*"))
    if how == ENVIRONMENT:
        monkeypatch.setenv(ENVIRONMENT, str(root))
    with pytest.raises(SettingError, match=message) as caught:
        resolve(["MNIST"], str(root) if how == "--data-root" else None, surrogate_allowed=True)
    assert str(caught.value).startswith(f"{how} {root}: ")
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before
    assert downloads == []


@pytest.mark.parametrize("damage", [b"", b"sec", b"second and more", b"secand"])
@pytest.mark.parametrize("named", [True, False])
def test_a_damaged_file_is_named_in_one_line(
    damage: bytes, named: bool, tmp_path: Path, cache: Path, downloads: list[Any]
) -> None:
    root = filled(tmp_path / "named" if named else cache)
    file = root / "MNIST/raw/b"
    file.write_bytes(damage)
    with pytest.raises(
        DataError, match=f"damaged \\({len(damage)} bytes, MD5 .*delete it and download it anew"
    ) as caught:
        resolve(["MNIST"], str(root) if named else None, surrogate_allowed=True)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)
    assert downloads == []
    assert resolve(["CIFAR10"], str(root), surrogate_allowed=False)["CIFAR10"].root == root


# --- the surrogate ---


def test_the_surrogate_stands_in_only_where_it_is_allowed(cache: Path, downloads: list[Any]) -> None:
    found = resolve(["MNIST"], None, surrogate_allowed=True)["MNIST"]
    assert found == Source("MNIST", "surrogate", cache.parent / "surrogate")
    with pytest.raises(
        DataError, match=rf"MNIST is not in {cache} and could not be downloaded: .*{ENVIRONMENT}"
    ) as caught:
        resolve(["MNIST"], None, surrogate_allowed=False)
    assert "\n" not in str(caught.value)
    assert len(downloads) == 2


def test_the_surrogate_stands_in_for_what_is_missing_alone(cache: Path, downloads: list[Any]) -> None:
    filled(cache, "MNIST")
    found = resolve(["MNIST", "CIFAR10"], None, surrogate_allowed=True)
    assert {name: source.kind for name, source in found.items()} == {"MNIST": "published", "CIFAR10": "surrogate"}
    assert downloads == [("CIFAR10", cache)]


def test_a_plan_downloads_nothing_and_assumes_the_published_files(cache: Path, downloads: list[Any]) -> None:
    found = resolve(["MNIST"], None, surrogate_allowed=False, download=False)
    assert found["MNIST"] == Source("MNIST", "published", cache)
    assert downloads == []


def test_a_surrogate_is_never_called_the_data_set() -> None:
    assert "SURROGATE" in Source("MNIST", "surrogate", Path("x")).text
    assert Source("MNIST", "published", Path("x")).text == "MNIST (published files in x)"


# --- the download ---


class Downloader:
    """In torchvision's place: fails, or writes what it is told to."""

    def __init__(self, files: dict[str, bytes], error: Exception | None = None) -> None:
        self.files, self.error = files, error
        self.timeout: float | None = None

    def __call__(self, root: Path, *, train: bool, download: bool) -> None:
        assert train
        assert download
        self.timeout = socket.getdefaulttimeout()
        for path, data in self.files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        if self.error is not None:
            raise self.error


def test_what_was_downloaded_is_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloader = Downloader(CONTENT["MNIST"])
    monkeypatch.setattr(torchvision.datasets, "MNIST", downloader)
    assert resolve(["MNIST"], None, surrogate_allowed=False)["MNIST"] == Source("MNIST", "published", cache)
    assert downloader.timeout is not None
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize("error", [URLError("no route"), RuntimeError("File not found or corrupted."), TimeoutError()])
def test_a_failed_download_is_a_missing_data_set(
    error: Exception, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchvision.datasets, "MNIST", Downloader({}, error))
    assert resolve(["MNIST"], None, surrogate_allowed=True)["MNIST"].kind == "surrogate"
    assert socket.getdefaulttimeout() is None
    with pytest.raises(DataError, match="could not be downloaded"):
        resolve(["MNIST"], None, surrogate_allowed=False)
    assert cache.is_dir()


def test_a_download_that_left_files_out_or_damaged_them_is_not_believed(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchvision.datasets, "MNIST", Downloader({"MNIST/raw/a": b"first"}))
    assert resolve(["MNIST"], None, surrogate_allowed=True)["MNIST"].kind == "surrogate"
    monkeypatch.setattr(torchvision.datasets, "MNIST", Downloader({"MNIST/raw/b": b"sec"}))
    with pytest.raises(DataError, match=f"{cache / 'MNIST/raw/b'}: damaged"):
        resolve(["MNIST"], None, surrogate_allowed=True)


def test_a_cache_folder_that_cannot_be_made_is_a_missing_data_set(cache: Path) -> None:
    cache.parent.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="could not be downloaded") as caught:
        resolve(["MNIST"], None, surrogate_allowed=False)
    assert "\n" not in str(caught.value)


# --- the table of published files ---


def test_the_table_has_the_files_and_hashes_that_torchvision_knows() -> None:
    cifar = torchvision.datasets.CIFAR10
    known = dict(cifar.train_list + cifar.test_list + [(cifar.meta["filename"], cifar.meta["md5"])])
    assert REAL_FILES["CIFAR10"] == {f"{cifar.base_folder}/{name}": md5 for name, md5 in known.items()}
    for name in ("MNIST", "FashionMNIST"):  # it knows the hashes of the packed files only
        packed = [file for file, _ in getattr(torchvision.datasets, name).resources]
        assert sorted(REAL_FILES[name]) == sorted(f"{name}/raw/{file.removesuffix('.gz')}" for file in packed)


@pytest.mark.parametrize("name", REAL_FILES)
def test_the_published_files_have_the_hashes_of_the_table(
    name: str, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], files=REAL_FILES[name]))
    assert is_whole(name, real_data)


@pytest.mark.skipif(sys.platform != "linux", reason="the folder of a system without platformdirs is Linux's")
@pytest.mark.parametrize("moved", [True, False])
def test_without_platformdirs_the_cache_folder_is_where_it_would_be(
    moved: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path) if moved else "")
    expected = cache_folder()
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert cache_folder() == expected
    assert expected.is_relative_to(tmp_path if moved else Path.home())
