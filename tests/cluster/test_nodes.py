"""Which workers are taken, and how a data set is known, found and received."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from repro.cluster.nodes import (
    FOUND,
    GPU,
    Description,
    Passport,
    _keep_to,
    files_of,
    find,
    passport,
    receive,
    received,
    refusal,
)
from repro.errors import SettingError
from repro.experiment.datasets import DATASETS
from repro.science.data import surrogate
from repro.science.data.sources import Source

OWN = Passport("0.1 (aa)", "2.14.1")
THERE = Description(OWN, "node", "cache", (), (), 0)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """A session's MNIST, of made-up content, and a machine whose user has nothing in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("REPRO_DATA", raising=False)
    for name in DATASETS["MNIST"].files:
        path = tmp_path / "session" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    FOUND.clear()
    yield Source("MNIST", "published", tmp_path / "session")
    FOUND.clear()


def test_data_is_found_in_the_own_data_root_if_every_byte_is_the_sessions(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = files_of(source)
    assert find(files) is None
    shutil.copytree(source.root, tmp_path / "own")
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "own"))
    FOUND.clear()
    assert find(files) == Source("MNIST", "published", tmp_path / "own")
    (tmp_path / "own" / files.hashes[0][0]).write_bytes(b"other")
    FOUND.clear()
    assert find(files) is None


def test_data_that_was_received_whole_is_found(source: Source) -> None:
    files = files_of(source)
    for number, (name, _) in enumerate(files.hashes):
        assert find(files) is None, number
        receive(files, name, (source.root / name).read_bytes())
    found = find(files)
    assert found == Source("MNIST", "published", received(files))
    assert files_of(found) == files


def test_what_was_received_with_other_bytes_is_not_taken(source: Source) -> None:
    files = files_of(source)
    for name, _ in files.hashes:
        receive(files, name, b"other")
    assert find(files) is None


def test_the_passport_follows_the_files_of_the_project() -> None:
    assert passport() == passport()
    assert passport().project.startswith("0.")


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (THERE, ""),
        (replace(THERE, passport=replace(OWN, torch="2.11")), "it has torch 2.11 where the session has 2.14.1"),
        (
            replace(THERE, passport=Passport("0.2", "2.11")),
            "it has project 0.2 where the session has 0.1 (aa) and",
        ),
        (replace(THERE, unknown=("Mine",)), "its project has no data set Mine; have it loaded with --preload"),
    ],
)
def test_a_worker_that_differs_is_refused_with_the_difference(there: Description, says: str) -> None:
    refused = refusal(OWN, there, False, {})
    assert refused.startswith(says)
    assert bool(refused) == bool(says)


@pytest.mark.parametrize(
    ("gpus", "resources", "says"),
    [
        (1, {GPU: 0.5}, ""),
        (1, {}, "it has no resource GPU; start it with --resources GPU=1"),
        (0, {GPU: 1}, "it sees 0 GPUs"),
        (8, {GPU: 1}, "it sees 8 GPUs; start it with CUDA_VISIBLE_DEVICES naming the one"),
    ],
)
def test_a_worker_for_gpus_has_a_share_of_the_one_that_it_sees(
    gpus: int, resources: dict[str, float], says: str
) -> None:
    refused = refusal(OWN, replace(THERE, gpus=gpus), True, resources)
    assert refused.startswith(says)
    assert bool(refused) == bool(says)


@pytest.mark.parametrize(("share", "bound"), [(1.0, "0.9000"), (0.25, "0.2250"), (4.0, "0.9000")])
def test_a_share_of_a_gpu_bounds_the_memory_of_its_worker(share: float, bound: str) -> None:
    environment: dict[str, str] = {}
    _keep_to(share, environment)
    assert [*environment.values()] == [bound]


def test_a_surrogate_is_rendered_before_it_is_known_by_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surrogate, "TRAIN", 50)
    monkeypatch.setattr(surrogate, "TEST", 30)
    ((name, digest),) = files_of(Source("MNIST", "surrogate", tmp_path / "cache")).hashes
    assert hashlib.sha256((tmp_path / "cache" / name).read_bytes()).hexdigest() == digest
    (tmp_path / "a-file").touch()
    with pytest.raises(SettingError, match=r"--cluster: workers are sent MNIST, which must be in .*a-file"):
        files_of(Source("MNIST", "surrogate", tmp_path / "a-file"))
