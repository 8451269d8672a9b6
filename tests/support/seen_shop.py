"""A shop that somebody bought in, and its dashboard; for tests/browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
from buying import check_out, put_into_cart, sign_up
from playwright.sync_api import Browser, Page, expect
from system_up import Tarmac, brought_up, page_of


class Shop(NamedTuple):
    """The shop, its command and where it is seen."""

    tarmac: Tarmac
    status: dict[str, Any]
    storefront: str
    #: The link with its token.
    dashboard: str

    @property
    def origin(self) -> str:
        """The address of the dashboard without the token."""
        address = urlsplit(self.dashboard)
        return f"{address.scheme}://{address.netloc}"

    def pid(self, name: str) -> int:
        """The process of a service now."""
        nodes = json.loads(self.tarmac("ps", "--json").stdout)["nodes"]
        (pid,) = (node["pid"] for node in nodes if node["name"] == name)
        return pid

    def execute(self, store: str, statement: str) -> None:
        """Run a statement as the store's administrator; not in the browser's own loop."""

        async def run() -> None:
            connection = await asyncpg.connect(
                self.tarmac("connect", store, "--url").stdout.strip()
            )
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, run()).result()


@contextmanager
def bought_in(chromium: Browser) -> Iterator[Shop]:
    """Give the shop after one purchase."""
    with brought_up("shop", "--telemetry", "--inspect") as (tarmac, status):
        made = Shop(tarmac, status, page_of(status, "storefront"), status["dashboard"])
        with chromium.new_context(base_url=made.storefront) as customer:
            page = customer.new_page()
            sign_up(page)
            put_into_cart(page, "kettle")
            check_out(page)
            page.get_by_role("button", name="Place order").click()
            expect(page.get_by_text("Confirmed").first).to_be_visible(timeout=20_000)
        yield made


def opened(shop: Shop, visit: Any) -> Page:
    """Open the dashboard by its link."""
    page: Page = visit(shop.origin, viewport={"width": 1280, "height": 800})
    page.goto(shop.dashboard)
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    return page


def go(page: Page, view: str) -> None:
    """Open a view by its address, as a link of a chat does."""
    page.goto(f"/#/{view}")
