import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from repro.science.data.augmentation import crop_and_flip


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def variants(image: Tensor) -> dict[tuple[int, int, bool], Tensor]:
    """Every crop of an image padded by 4 zeros on each side, as it is and mirrored."""
    _, height, width = image.shape
    padded = F.pad(image, (4, 4, 4, 4))
    crops = {(i, j): padded[:, i : i + height, j : j + width] for i in range(9) for j in range(9)}
    return {
        (i, j, flipped): crop.flip(2) if flipped else crop
        for (i, j), crop in crops.items()
        for flipped in (False, True)
    }


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_augmented_images_are_laid_out_as_they_were(layout: torch.memory_format) -> None:
    """Some layers fault on channels_last, so that their networks are trained in the default layout."""
    images = torch.rand(4, 3, 32, 32).contiguous(memory_format=layout)
    assert crop_and_flip(images, torch.Generator().manual_seed(0)).is_contiguous(memory_format=layout)


def test_each_image_becomes_a_crop_of_its_own_padded_self_mirrored_or_not() -> None:
    images = torch.rand(200, 3, 7, 5, generator=seeded(1))
    for image, found in zip(images, crop_and_flip(images, seeded()), strict=True):
        assert any(torch.equal(found, variant) for variant in variants(image).values())


def test_every_shift_and_both_mirrorings_are_about_equally_likely() -> None:
    image = torch.rand(1, 7, 7, generator=seeded(1))
    places = {tuple(v.flatten().tolist()): key for key, v in variants(image).items()}
    assert len(places) == 162
    n = 20_000
    drawn = crop_and_flip(image.expand(n, 1, 7, 7), seeded()).flatten(1).tolist()
    rows, columns, flips = zip(*(places[tuple(pixels)] for pixels in drawn), strict=True)
    for shifts in (rows, columns):
        shares = torch.bincount(torch.tensor(shifts), minlength=9) / n
        assert (shares - 1 / 9).abs().max() < 0.012  # over five standard deviations
    assert abs(sum(flips) / n - 0.5) < 0.018
    assert len(set(zip(rows, columns, flips, strict=True))) == 162  # drawn independently of each other


def test_the_channels_of_an_image_move_together() -> None:
    images = torch.rand(50, 1, 6, 6, generator=seeded(1)).expand(50, 3, 6, 6)
    found = crop_and_flip(images, seeded())
    assert torch.equal(found[:, 0], found[:, 1])
    assert torch.equal(found[:, 0], found[:, 2])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_only_the_generator_decides_and_the_input_stays(dtype: torch.dtype) -> None:
    images = torch.rand(16, 3, 8, 8, generator=seeded(1), dtype=dtype)
    before, results = images.clone(), []
    for state in (1, 2):
        torch.manual_seed(state)
        global_state = torch.get_rng_state()
        results.append(crop_and_flip(images, seeded()))
        assert torch.equal(torch.get_rng_state(), global_state)
    assert torch.equal(*results)
    assert torch.equal(images, before)
    assert results[0].dtype == dtype
    assert results[0].shape == images.shape
    generator = seeded()
    crop_and_flip(images, generator)
    assert not torch.equal(crop_and_flip(images, generator), results[0])


def test_memory_layout_changes_nothing() -> None:
    images = torch.rand(16, 3, 8, 8, generator=seeded(1))
    other = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(crop_and_flip(images, seeded()), crop_and_flip(other, seeded()))
