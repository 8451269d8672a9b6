"""The pages of `tarmac docs` in a browser: whole without a script or a network, on paper too."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from playwright.sync_api import expect
from rendered import system_of

from tarmac.cli.main import tarmac

#: An A4 page at 96 dots an inch, without its margins.
PAPER = {"width": 718, "height": 1047}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    made = CliRunner().invoke(tarmac, ["docs", "shop", "--out", str(folder)])
    assert made.exit_code == 0, made.output
    return folder


@pytest.fixture
def page(chromium, site):
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": 1200, "height": 900}
    )
    opened = context.new_page()
    asked = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto((site / "index.html").as_uri())
    yield opened
    assert [url for url in asked if not url.startswith("file://")] == []
    context.close()


def test_the_system_page_has_every_service_with_its_owner_and_leads_to_its_page(page):
    services = system_of("shop").file.services
    expect(page.get_by_role("heading", level=1)).to_have_text("The system shop")
    table = page.locator("section", has=page.get_by_role("heading", name="Services")).locator(
        "table"
    )
    expect(table.locator("tbody tr")).to_have_count(len(services))
    for name in services:
        row = table.locator("tbody tr", has=page.get_by_role("cell", name=name, exact=True))
        expect(row).to_contain_text("platform-team")
    page.get_by_role("link", name="order-service").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("order-service")


def test_a_service_page_draws_its_api_and_names_its_neighbours(page):
    page.get_by_role("link", name="order-service").click()
    api = page.locator("section", has=page.get_by_role("heading", name="API order-service"))
    placed = api.locator("tbody tr", has_text="Place Order")
    expect(placed).to_contain_text("POST")
    expect(placed).to_contain_text("/orders")
    expect(placed).to_contain_text("202")
    edges = page.locator("section", has=page.get_by_role("heading", name="Dependencies"))
    expect(edges).to_contain_text("product-service")
    expect(edges).to_contain_text("order.placed, order.confirmed, order.cancelled")
    page.get_by_role("link", name="api-gateway").click()
    expect(page.get_by_text(re.compile(r"99\.95 % of requests succeed"))).to_be_visible()
    page.get_by_role("link", name="The system shop").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The system shop")


def test_the_graph_has_a_box_for_each_and_a_line_for_each_edge(page):
    graph = page.get_by_role("img", name=re.compile("7 services"))
    expect(graph.locator("rect.service")).to_have_count(7)
    expect(graph.locator("rect.store")).to_have_count(7)
    wanted = re.search(r"(\d+) edges", graph.get_attribute("aria-label"))
    expect(graph.locator("path.edge")).to_have_count(int(wanted[1]))
    boxes = [box.bounding_box() for box in graph.locator("rect").all()]
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = abs(one["x"] - other["x"]) >= one["width"] or (
                abs(one["y"] - other["y"]) >= one["height"]
            )
            assert apart, "two boxes lie over each other"


def test_on_paper_nothing_is_cut_off(page, site):
    page.emulate_media(media="print")
    page.set_viewport_size(PAPER)
    for file in sorted(site.glob("*.html")):
        page.goto(file.as_uri())
        wide = [
            element.inner_text()[:60]
            for element in page.locator("table, svg, h1, p").all()
            if (box := element.bounding_box()) and box["x"] + box["width"] > PAPER["width"] + 1
        ]
        assert wide == [], file.name
        expect(page.locator("nav").first).to_be_hidden()
