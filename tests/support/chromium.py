"""Debian's Chromium for tests that open pages; a test without it is skipped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


@contextmanager
def launched(*argv: str) -> Iterator[Browser]:
    """Start it, with more arguments if need be.

    As long as it is there, its event loop is the thread's, and no other may run.
    """
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("this machine has no Chromium (apt-get install chromium)")
    expect.set_options(timeout=20_000)  # a busy machine may stand still for seconds
    with sync_playwright() as playwright:
        # The pages are our own; as root, and in containers, its sandbox cannot start.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", *argv])
        yield browser
        browser.close()
