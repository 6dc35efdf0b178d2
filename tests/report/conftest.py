"""The browser that looks at a report's page."""

from collections.abc import Iterator

import pytest
from browser import started
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found
