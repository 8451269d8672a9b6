"""Debian's Chromium, one `up` for all tests of a system, and pages that may say nothing wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chromium import launched
from playwright.sync_api import Browser, BrowserContext, Page
from system_up import brought_up, page_of

#: What Chromium says by itself of an answer with an error status, which a test may want.
STATUS = "Failed to load resource: the server responded with a status of"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is here as a whole system's tests."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(120))


# For each file anew: as long as it is there, its event loop is the thread's, and no other may run.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@contextmanager
def running(system: str, service: str, *args: str) -> Iterator[str]:
    """Bring a system up; give the address of a service's pages."""
    with brought_up(system, *args) as (_, status):
        yield page_of(status, service)


@pytest.fixture(scope="module")
def shop(chromium: Browser) -> Iterator[str]:
    """Give the storefront's address; two of each service that its pages use are behind it."""
    two = ("storefront", "api-gateway", "user-service", "product-service", "order-service")
    with running("shop", "storefront", *(f"--scale={name}=2" for name in two)) as address:
        yield address


@pytest.fixture(scope="module")
def trading(chromium: Browser) -> Iterator[str]:
    """Give the address of the trading application's entry."""
    with running("trading", "web-ui") as address:
        yield address


@pytest.fixture(scope="module")
def travel(chromium: Browser) -> Iterator[str]:
    """Give the address of the travel agency's root host."""
    with running("travel", "frontend") as address:
        yield address


Visit = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """Give a way to open a page of a new visitor; what its console says is a failure."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def listen(page: Page) -> None:
        page.on(
            "console",
            lambda line: (
                said.append(f"{page.url}: {line.text}")
                if line.type in ("error", "warning") and not line.text.startswith(STATUS)
                else None
            ),
        )
        page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))

    def open_(address: str, **options: object) -> Page:
        context = chromium.new_context(base_url=address, **options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        listen(page)
        page.said = said  # type: ignore[attr-defined]
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not said
