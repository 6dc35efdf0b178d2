"""What tests of every room share."""

import os
from pathlib import Path

import pytest

DATA = "REPRO_DATA"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The published data sets, as torchvision lays them out; a folder that the machine may not have."""
    if not os.environ.get(DATA):
        pytest.skip(f"needs the published data sets: {DATA} names no folder")
    return Path(os.environ[DATA])
