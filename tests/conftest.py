"""What tests of every room share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from worlds import prepared

from repro.runs.store import Store

DATA = "REPRO_DATA"

# A property that fails does so for everyone. `--hypothesis-profile=default` looks at other examples each time.
settings.register_profile("same", derandomize=True, database=None, deadline=None)
settings.load_profile("same")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The published data sets, as torchvision lays them out; a folder that the machine may not have."""
    if not os.environ.get(DATA):
        pytest.skip(f"needs the published data sets: {DATA} names no folder")
    return Path(os.environ[DATA])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with nothing in it, and room beside it."""
    return prepared(tmp_path / "store")


@pytest.fixture(scope="module")
def own_threads() -> Iterator[None]:
    """Training in this process leaves it with one thread; the tests of other files get theirs back."""
    import torch  # which many tests do without

    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
