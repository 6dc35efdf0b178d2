import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor

from repro.errors import DataError
from repro.experiment.datasets import DATASETS, Dataset
from repro.science.data.sources import Source, resolve, training_images
from repro.science.data.splits import Data, Split, load
from repro.science.data.surrogate import surrogate


@pytest.fixture(scope="session", params=DATASETS)
def published(request: pytest.FixtureRequest, real_data: Path) -> tuple[str, Path, Data]:
    return request.param, real_data, load(Source(request.param, "published", real_data))


@pytest.fixture(params=["surrogate", "published"])
def digit_data(request: pytest.FixtureRequest) -> tuple[Source, Data]:
    """MNIST, rendered and as published."""
    if request.param == "surrogate":
        source = Source("MNIST", "surrogate", request.getfixturevalue("surrogate_folder"))
    else:
        source = Source("MNIST", "published", request.getfixturevalue("real_data"))
    return source, load(source)


def splits(data: Data) -> tuple[Split, Split, Split]:
    return data.train, data.validation, data.test


def rows(*parts: Split) -> list[bytes]:
    return [
        bytes([int(y)]) + image.tobytes() for p in parts for image, y in zip(p.images.numpy(), p.labels, strict=True)
    ]


# --- the published sets ---


def test_the_published_sets_are_split_as_in_the_paper(published: tuple[str, Path, Data]) -> None:
    name, _, data = published
    dataset = DATASETS[name]
    assert [len(part) for part in splits(data)] == [dataset.train, dataset.validation, dataset.test]
    assert training_images(dataset, "published") == dataset.train
    for part in splits(data):
        assert part.images.shape == (len(part), dataset.channels, dataset.side, dataset.side)
        assert part.images.dtype == torch.uint8
        assert part.labels.dtype == torch.int64
        shares = part.labels.bincount(minlength=10) / len(part)
        assert (shares - 0.1).abs().max() < 0.02  # a shuffled split has every class


def test_training_and_validation_are_the_published_training_images_each_once(
    published: tuple[str, Path, Data],
) -> None:
    name, root, data = published
    theirs = {train: getattr(torchvision.datasets, name)(root, train=train) for train in (True, False)}
    for train, parts in ((True, (data.train, data.validation)), (False, (data.test,))):
        images = torch.as_tensor(theirs[train].data)
        images = images.unsqueeze(1) if images.dim() == 3 else images.movedim(3, 1)
        expected = Split(images.contiguous(), torch.as_tensor(theirs[train].targets))
        assert sorted(rows(*parts)) == sorted(rows(expected))


# --- the surrogate ---


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("MNIST", (18_333, 1_667, 4_000)),
        ("FashionMNIST", (18_333, 1_667, 4_000)),
        ("CIFAR10", (16_000, 4_000, 4_000)),
    ],
)
def test_the_surrogate_is_split_in_the_paper_s_proportion(
    name: str, sizes: tuple[int, ...], surrogate_folder: Path
) -> None:
    data = load(Source(name, "surrogate", surrogate_folder))
    assert tuple(map(len, splits(data))) == sizes
    assert training_images(DATASETS[name], "surrogate") == sizes[0]  # known without rendering it
    arrays = surrogate(name, surrogate_folder)
    expected = Split(torch.from_numpy(arrays.train_images), torch.from_numpy(arrays.train_labels))
    assert sorted(rows(data.train, data.validation)) == sorted(rows(expected))


# --- both ---

# The first labels of each split. Another shuffling would train and measure stored runs on other images.
FIRST_LABELS = {
    "surrogate": ([9, 5, 9, 0, 2, 7, 9, 6, 8, 8], [6, 8, 4, 6, 8, 7, 9, 0, 1, 4], [3, 0, 8, 5, 6, 2, 9, 7, 4, 5]),
    "published": ([7, 7, 9, 5, 7, 3, 2, 6, 8, 6], [3, 2, 0, 4, 0, 3, 6, 7, 7, 1], [3, 5, 0, 7, 2, 7, 4, 0, 0, 3]),
}


def test_the_split_of_this_version(digit_data: tuple[Source, Data]) -> None:
    source, data = digit_data
    assert tuple(part.labels[:10].tolist() for part in splits(data)) == FIRST_LABELS[source.kind]


def test_the_split_is_fixed_whatever_the_global_random_state(digit_data: tuple[Source, Data]) -> None:
    source, data = digit_data
    torch.manual_seed(77)
    state = torch.get_rng_state()
    again = load.__wrapped__(source)
    assert torch.equal(torch.get_rng_state(), state)
    for first, second in zip(splits(data), splits(again), strict=True):
        assert torch.equal(first.images, second.images)
        assert torch.equal(first.labels, second.labels)


def test_no_validation_image_is_trained_on(digit_data: tuple[Source, Data]) -> None:
    _, data = digit_data
    assert not set(rows(data.train)) & set(rows(data.validation))


def test_any_leading_part_is_a_fair_sample(digit_data: tuple[Source, Data]) -> None:
    _, data = digit_data
    for part in splits(data):
        shares = part.labels[:1000].bincount(minlength=10) / 1000
        assert (shares - part.labels.bincount(minlength=10) / len(part)).abs().max() < 0.05


def test_a_data_set_is_held_once(digit_data: tuple[Source, Data]) -> None:
    source, data = digit_data
    assert load(Source(*vars(source).values())) is data


# --- parts ---


def split() -> Split:
    return Split(torch.tensor([0, 51, 255, 102], dtype=torch.uint8).view(4, 1, 1, 1), torch.tensor([3, 1, 4, 1]))


@pytest.mark.parametrize(("count", "expected"), [(None, 4), (2, 2), (4, 4), (9, 4)])
def test_a_part_is_the_first_images_as_pixels(count: int | None, expected: int) -> None:
    images, labels = split().part(count)
    assert images.dtype == torch.float32
    assert images.flatten().tolist() == pytest.approx([0, 0.2, 1, 0.4][:expected])
    assert labels.tolist() == [3, 1, 4, 1][:expected]


def test_changing_a_part_does_not_change_the_data() -> None:
    whole = split()
    pixels: Tensor = whole.part()[0]
    pixels.fill_(0.5)
    assert whole.images.flatten().tolist() == [0, 51, 255, 102]


def test_a_data_set_of_the_next_author_is_read_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(root: Path, train: bool) -> tuple[np.ndarray, np.ndarray]:
        stored = np.load(root / "squares.npz")
        part = slice(40) if train else slice(40, None)
        return stored["images"][part], stored["labels"][part]

    images = np.arange(50 * 8 * 8, dtype=np.uint8).reshape(50, 8, 8)
    np.savez(tmp_path / "squares.npz", images=images, labels=np.arange(50, dtype=np.uint8) % 10)
    squares = Dataset("Squares", 1, 8, 30, 10, 10, 0.1, files={"squares.npz": ""}, read=read)
    monkeypatch.setitem(DATASETS, "Squares", squares)
    found = load(resolve(["Squares"], str(tmp_path), surrogate_allowed=False)["Squares"])
    assert (len(found.train), len(found.validation), len(found.test)) == (30, 10, 10)
    assert found.train.images.shape == (30, 1, 8, 8)
    together = torch.cat([found.train.images, found.validation.images]).flatten(1)
    assert {tuple(row) for row in together.tolist()} == {tuple(row) for row in images[:40].reshape(40, -1).tolist()}


BYTES, LABELS = np.zeros((40, 8, 8), np.uint8), np.arange(40) % 10


@pytest.mark.parametrize(
    ("images", "labels", "told"),
    [
        (BYTES / 255.0, LABELS, r"read as float64 \(40, 8, 8\): must be bytes \(uint8\) \(40, 8, 8\)"),
        (BYTES[:39], LABELS, r"read as uint8 \(39, 8, 8\): must be bytes \(uint8\) \(40, 8, 8\)"),
        (BYTES[:, None], LABELS, r"read as uint8 \(40, 1, 8, 8\): must be bytes \(uint8\) \(40, 8, 8, 1\)"),
        (BYTES, LABELS[:39], r"labels were read as \(39,\): must be 40 from 0 to 9"),
        (BYTES, LABELS + 1, r"labels were read as \(40,\): must be 40 from 0 to 9"),
    ],
    ids=["pixels in [0, 1]", "too few", "channels first", "too few labels", "labels from 1"],
)
def test_what_is_read_of_it_must_be_what_it_says(
    images: np.ndarray, labels: np.ndarray, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "squares").touch()
    squares = Dataset("Squares", 1, 8, 30, 10, 10, 0.1, files={"squares": ""}, read=lambda *_: (images, labels))
    monkeypatch.setitem(DATASETS, "Squares", squares)
    with pytest.raises(DataError, match=f"^Squares: its .*{told}$"):
        load(Source("Squares", "published", tmp_path))


def test_a_data_set_of_the_next_author_has_a_surrogate_of_its_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "Squares", Dataset("Squares", 3, 20, 30, 10, 10, 0.1))
    drawn = surrogate("Squares")
    assert drawn.train_images.shape == (20_000, 3, 20, 20)
    assert sorted({*drawn.train_labels.tolist()}) == [*range(10)]


def test_a_process_holds_two_data_sets_and_lets_go_of_the_one_before(surrogate_folder: Path) -> None:
    """Whatever others here have loaded: three more are loaded, and of the first nothing is left."""
    names = ("MNIST", "FashionMNIST", "CIFAR10")
    load.cache_clear()
    held = [weakref.ref(load(Source(name, "surrogate", surrogate_folder)).train) for name in names]
    gc.collect()
    assert [one() is not None for one in held] == [False, True, True]
