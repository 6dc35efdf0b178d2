"""Chromium as the tests of the page drive it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def started() -> Iterator[Browser]:
    """A Chromium that runs; a failure in one line where there is none."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail("the report's page is tested in Chromium, which is not on PATH (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Looked:
    """A page that is looked at, with what it said to the console and what it asked the network for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def looking(browser: Browser, path: Path, *, width: int = 1280, dark: bool = False, at: str = "") -> Iterator[Looked]:
    """A page as it is seen in a window of so many pixels."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", offline=True
    )
    context.set_default_timeout(30_000)  # milliseconds: a busy machine is slow, not wrong
    looked = Looked(context.new_page())
    looked.page.on("console", lambda message: looked.said.append(f"{message.type}: {message.text}"))
    looked.page.on("pageerror", lambda error: looked.said.append(str(error)))
    looked.page.on("request", lambda request: looked.asked.append(request.url))
    looked.page.goto(f"{path.as_uri()}{at}")
    yield looked
    context.close()
