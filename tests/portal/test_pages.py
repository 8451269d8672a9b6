"""Backstage's own pages in a real browser: what a team sees of a system, and its form.

`UPDATE_PORTAL_PICTURES=1` writes the pictures of docs/how-to/portal.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from backstage import Backstage
from chromium import launched
from playwright.sync_api import Browser, Page, expect
from rendered import ROOT, plan_of

#: Real processes: a test that fails is tried once more, and then listed.
pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

PICTURES = ROOT / "docs/images"
#: A busy machine may stand still for seconds, and the first page loads all of the program.
PATIENCE_MS = 60_000
#: In so long the next page of the form would be there.
REFUSED_MS = 3_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(portal: Backstage, chromium: Browser) -> Iterator[Page]:
    """Sign in as a guest; nothing is asked of another machine, and no script fails."""
    portal.wait(lambda found: "system:default/travel" in found)
    base = portal.url.replace("127.0.0.1", "localhost")
    with chromium.new_context(base_url=base, viewport={"width": 1280, "height": 800}) as context:
        opened = context.new_page()
        opened.set_default_timeout(PATIENCE_MS)
        failed: list[str] = []
        elsewhere: list[str] = []
        opened.on("pageerror", lambda error: failed.append(str(error)))
        opened.on("request", lambda request: elsewhere.append(request.url))
        opened.goto("/catalog")
        opened.get_by_role("button", name=re.compile("enter", re.IGNORECASE)).click()
        # Until that page is gone the session is not kept.
        opened.get_by_text("Enter as a Guest User").wait_for(state="detached")
        yield opened
        assert failed == []
        assert [u for u in elsewhere if not u.startswith((base, "data:", "blob:"))] == []


def seen(page: Page, name: str) -> None:
    """Take a picture, where that is asked for."""
    if os.environ.get("UPDATE_PORTAL_PICTURES"):
        page.wait_for_timeout(1500)  # its graph moves to its place
        page.screenshot(path=Path(PICTURES) / f"portal-{name}.png")


def test_the_catalogue_lists_every_service_of_a_system(page):
    page.goto("/catalog?filters[kind]=component&filters[user]=all&filters[namespace]=shop")
    for service in plan_of("shop", "repository").catalogue.services:
        expect(page.get_by_role("link", name=f"shop/{service.name}", exact=True)).to_be_visible()
    seen(page, "catalogue")


def test_a_service_shows_its_system_its_owner_and_what_it_depends_on(page):
    page.goto("/catalog/shop/component/order-service")
    expect(page.get_by_role("heading", name="order-service").first).to_be_visible()
    for text in ("platform-team", "orders-db", "product-service"):
        expect(page.get_by_text(re.compile(text)).first).to_be_visible()
    seen(page, "service")


def test_the_graph_draws_the_services_and_stores_of_a_system(page):
    page.goto("/catalog-graph?rootEntityRefs[]=system:default/shop&maxDepth=1")
    for name in ("order-service", "payment-service", "orders-db"):
        expect(page.get_by_text(re.compile(name)).first).to_be_visible()
    seen(page, "graph")


def test_an_api_is_drawn_from_the_document_of_its_service(page):
    page.goto("/catalog/shop/api/order-service/definition")
    expect(page.get_by_text("/orders").first).to_be_visible()


def test_the_form_asks_what_a_service_is_to_have_and_refuses_a_bad_name(page):
    page.goto("/create")
    expect(page.get_by_text("New service of shop").first).to_be_visible()
    page.goto("/create/templates/shop/new-service")
    name, following = page.get_by_label("Name").first, page.get_by_role("button", name="Next")
    language = page.get_by_text("Language").first
    name.fill("Price List")
    page.get_by_label("Description").first.fill("Prices of things")
    following.click()
    page.wait_for_timeout(REFUSED_MS)
    expect(language).to_have_count(0)  # without an owner
    page.get_by_role("textbox", name="Owner").click()
    page.get_by_role("option", name=re.compile("platform-team")).first.click()
    following.click()
    page.wait_for_timeout(REFUSED_MS)
    expect(language).to_have_count(0)  # with a name that is no label
    seen(page, "form")
    name.fill("price-list")
    following.click()
    expect(language).to_be_visible()
