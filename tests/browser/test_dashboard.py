"""The dashboard of a running shop that is used: the system as a whole, and each view's form."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from typing import Any

import large_system
import pytest
from planted import HOSTILE, sent
from playwright.sync_api import Browser, Page, expect
from seeing import axe_core, barriers, faults, unseen_focus, weak_text
from seen_shop import Shop, bought_in, go, opened

VIEWS = (
    *("system", "graph", "traces", "logs", "metrics", "objectives"),
    *("messages", "stores", "timeline", "runs", "configuration"),
    *("catalogue", "system/order-service"),
)


@pytest.fixture(scope="module")
def shop(chromium: Browser) -> Iterator[Shop]:
    """Give the shop after one purchase."""
    with bought_in(chromium) as made:
        yield made


@pytest.fixture
def dashboard(shop: Shop, visit) -> Page:
    """Give the dashboard as its link opens it."""
    return opened(shop, visit)


def test_the_link_leaves_no_token_in_the_address(dashboard: Page):
    assert "token" not in dashboard.url
    expect(dashboard).to_have_title("System · shop")


def test_the_first_page_says_how_the_system_is_and_where_it_opens(shop: Shop, dashboard: Page):
    expect(dashboard.get_by_role("region", name="State")).to_contain_text("shop is well")
    opened = dashboard.get_by_role("region", name="Open")
    for name in ("storefront", "api-gateway", "mail"):
        (node,) = (node for node in shop.status["nodes"] if node["name"] == name)
        place = opened.get_by_role("listitem").filter(has_text=name)
        expect(place.get_by_role("link")).to_have_attribute("href", node["page"])
    expect(opened.get_by_role("listitem").first).to_contain_text("storefront")
    objectives = dashboard.get_by_role("region", name="Objectives").get_by_role("listitem")
    expect(objectives.filter(has_text="api_availability")).to_contain_text("of the budget left")
    expect(dashboard.get_by_role("region", name="Events")).to_contain_text("healthy")


def test_the_table_shows_finds_sorts_and_folds_services_and_stores(shop: Shop, dashboard: Page):
    table = dashboard.get_by_role("table", name="Services and stores")
    for node in shop.status["nodes"]:
        if node["role"] in ("service", "store", "broker"):
            expect(table.get_by_role("rowheader", name=node["name"], exact=True)).to_be_visible()
    gateway = table.get_by_role("row").filter(has_text="api-gateway")
    expect(gateway).to_contain_text("MB")
    expect(gateway.locator(".spark .trend").first).to_be_attached(timeout=40_000)
    dashboard.get_by_label("Find").fill("mail")
    expect(table.get_by_role("rowheader", name="storefront")).to_have_count(0)
    expect(table.get_by_role("rowheader", name="mail")).to_be_visible()
    address = dashboard.url
    assert "find=mail" in address
    dashboard.get_by_label("Find").fill("")
    table.get_by_role("button", name="Memory").click()
    expect(table.get_by_role("columnheader", name="Memory")).to_have_attribute(
        "aria-sort", "descending"
    )
    go(dashboard, "system")
    table.get_by_role("button", name=re.compile("^Stores")).click()
    expect(table.get_by_role("rowheader", name="orders-db")).to_have_count(0)
    dashboard.goto("about:blank")
    dashboard.goto(address)
    expect(table.get_by_role("rowheader", name="mail")).to_be_visible()
    expect(table.get_by_role("rowheader", name="storefront")).to_have_count(0)


def test_a_row_has_a_menu_that_keys_open_and_close(dashboard: Page):
    menu = dashboard.get_by_label("Actions of notification-service")
    menu.focus()
    menu.press("Enter")
    expect(dashboard.get_by_role("link", name="In the graph")).to_be_visible()
    dashboard.get_by_role("button", name="Stop", exact=True).press("Enter")
    expect(dashboard.get_by_role("button", name=re.compile("^Stop it"))).to_be_visible()
    dashboard.keyboard.press("Escape")
    expect(dashboard.get_by_role("link", name="In the graph")).to_have_count(0)
    expect(menu).to_be_focused()
    menu.click()
    dashboard.get_by_role("button", name="Restart").click()
    row = dashboard.get_by_role("row").filter(has_text="notification-service")
    expect(row.get_by_text("restarted")).to_be_visible()


def test_what_is_copied_is_an_address(shop: Shop, dashboard: Page):
    dashboard.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.get_by_role("region", name="Open").get_by_role(
        "button", name="Copy the address of storefront"
    ).click()
    expect(dashboard.get_by_text("copied")).to_be_visible()
    assert dashboard.evaluate("navigator.clipboard.readText()") == shop.storefront


def test_a_service_has_a_page_of_its_own(shop: Shop, dashboard: Page):
    dashboard.get_by_role("rowheader", name="order-service").get_by_role("link").click()
    expect(dashboard).to_have_title("order-service · shop")
    expect(dashboard.get_by_role("table", name="Instances")).to_contain_text("healthy")
    edges = dashboard.get_by_role("table", name="Edges")
    expect(edges.get_by_role("row").filter(has_text="to product-service")).to_be_visible()
    expect(dashboard.get_by_role("table", name="Traces")).to_contain_text("POST /checkout")
    lines = dashboard.get_by_role("table", name="Latest log lines").get_by_role("row")
    expect(lines.first).to_contain_text("order-service")
    go(dashboard, "system/nothing")
    expect(dashboard.get_by_text("Nothing here is called nothing.")).to_be_visible()


def test_the_system_is_drawn_with_its_traffic(shop: Shop, dashboard: Page):
    go(dashboard, "graph")
    for node in shop.status["nodes"]:
        if node["role"] in ("service", "store", "broker"):
            expect(dashboard.get_by_role("link", name=f"{node['name']}: healthy")).to_be_visible()
    expect(dashboard.locator(".edge.used text", has_text="req").first).to_be_visible()
    expect(dashboard.locator(".edge.undeclared")).to_have_count(0)
    dashboard.get_by_role("link", name="order-service: healthy").click()
    about = dashboard.get_by_role("complementary", name="About order-service")
    expect(about.get_by_role("cell", name="to product-service")).to_be_visible()
    about.locator("summary").click()
    expect(about.get_by_text("DATABASE_URL", exact=True)).to_be_visible()
    assert "<secret" in about.inner_text()


def test_edges_that_were_never_used_are_named_and_can_be_seen_alone(shop: Shop, dashboard: Page):
    listed = json.loads(shop.tarmac("edges", "--unused", "--json").stdout)["edges"]
    assert listed
    go(dashboard, "graph")
    drawn = dashboard.locator(".edge")
    expect(drawn.first).to_be_visible()
    all_of_them = drawn.count()
    dashboard.get_by_role("combobox", name="Edges").select_option("unused")
    expect(drawn).to_have_count(len(listed))
    assert len(listed) < all_of_them
    for edge in listed:
        said = f"{edge['source']} to {edge['target']}: declared, never used in this run"
        expect(drawn.locator("title", has_text=said)).to_have_count(1)
    assert "edges=unused" in dashboard.url
    dashboard.get_by_role("link", name=f"{listed[0]['source']}: healthy").click()
    about = dashboard.get_by_role("complementary", name=f"About {listed[0]['source']}")
    expect(about.get_by_text("never used in this run").first).to_be_visible()
    expect(drawn).to_have_count(len(listed))


@pytest.fixture
def large(shop: Shop, visit) -> Page:
    """Give the page of a system of a hundred services, as it is told by this test."""
    page = visit(shop.origin, viewport={"width": 1280, "height": 800})
    page.add_init_script(large_system.STREAM)
    page.goto(shop.dashboard)
    page.wait_for_function("() => Boolean(window.stream?.onmessage)")
    tell(page, 0)
    go(page, "graph")
    return page


def tell(page: Page, moment: int) -> None:
    """Say how the large system is at a moment."""
    data = json.dumps(large_system.told(moment))
    page.evaluate("data => window.stream.onmessage({ data })", data)


def test_a_hundred_services_can_be_read_found_and_moved_about(large: Page):
    frame, drawing = large.locator(".graph"), large.locator(".graph svg")
    expect(large.locator(".node")).to_have_count(large_system.SERVICES + large_system.STORES)
    widest = drawing.evaluate("svg => svg.clientWidth / svg.viewBox.baseVal.width")
    assert widest >= 0.7  # of its own size: letters of nine pixels

    large.get_by_label("Find").fill("nothing-9")
    large.get_by_label("Find").press("Enter")
    expect(large.get_by_text("no name has nothing-9 in it")).to_be_visible()
    large.get_by_label("Find").fill("search-9")
    large.get_by_label("Find").press("Enter")
    assert large.url.endswith("#/graph/search-9")
    expect(large.locator(".node.chosen")).to_be_in_viewport(ratio=1)
    expect(large.get_by_text("no name has")).to_have_count(0)
    alone = large.locator(".edge:not(.aside)")
    expect(alone).to_have_count(large.locator(".edge title", has_text="search-9").count())
    large.get_by_role("link", name="close").click()

    large.get_by_role("button", name="All of it").click()
    for name in (large_system.names()[0], large_system.names()[-1]):
        node = large.get_by_role("link", name=f"{name}: healthy")
        expect(node).to_be_in_viewport(ratio=1)
    large.get_by_role("button", name="Readable").click()
    expect(drawing).not_to_have_class("zoomed")
    large.get_by_role("button", name="Larger").click()
    expect(drawing).to_have_class("zoomed")
    assert "zoom=" in large.url

    # A press that begins on a node and moves is no click on it.
    frame.evaluate("frame => { frame.scrollLeft = frame.scrollTop = 0; }")
    (room, before) = (frame.bounding_box(), large.url)
    assert room is not None
    large.mouse.move(room["x"] + 700, room["y"] + 400)
    large.mouse.down()
    large.mouse.move(room["x"] + 500, room["y"] + 100, steps=5)
    large.mouse.up()
    assert frame.evaluate("frame => [frame.scrollLeft, frame.scrollTop]") == [200, 300]
    assert large.url == before
    large.get_by_role("link", name="gateway: healthy").press("Enter")
    expect(large.get_by_role("complementary", name="About gateway")).to_be_visible()


def test_an_update_of_a_hundred_services_changes_words_and_draws_nothing_anew(large: Page):
    large.evaluate(
        """() => {
          window.changes = [];
          const seen = (found) => window.changes.push(
            ...found.map(({ type, attributeName }) => attributeName ?? type));
          new MutationObserver(seen).observe(document.querySelector(".graph svg"),
            { subtree: true, childList: true, attributes: true, characterData: true });
        }"""
    )
    first = large.locator(".edge text").first
    said = first.text_content() or ""
    tell(large, 1)
    expect(first).not_to_have_text(said)
    assert set(large.evaluate("() => window.changes")) == {"characterData"}


def test_a_hundred_services_are_a_table_by_their_groups(large: Page):
    go(large, "system")
    table = large.get_by_role("table", name="Services and stores")
    expect(table.locator("tbody tr:not(.group)")).to_have_count(
        large_system.SERVICES + large_system.STORES
    )
    group = table.get_by_role("button", name=re.compile("^billing"))
    expect(group).to_have_attribute("aria-expanded", "true")
    group.click()
    expect(table.get_by_role("rowheader", name="billing-1", exact=True)).to_have_count(0)
    expect(large.locator(".edge")).to_have_count(0)  # drawn on a page of its own


def with_states(**states: str) -> dict[str, Any]:
    """Return the large system with some nodes in other states."""
    told = large_system.told(0)
    for node in told["nodes"]:
        if (state := states.get(node["name"].replace("-", "_"))) is not None:
            node |= {"state": state, "cause": f"why it is {state}"}
    return told | {"healthy": not states}


def test_starting_broken_stopped_and_unseen_systems_say_so(large: Page):
    go(large, "system")
    standing = large.get_by_role("region", name="State")
    rows = large.get_by_role("table", name="Services and stores")

    def say(told: dict[str, Any]) -> None:
        large.evaluate("data => window.stream.onmessage({ data })", json.dumps(told))

    say(with_states(orders_1="starting", db_3="waiting"))
    expect(standing).to_contain_text("large starts: 118 of 120 ready")
    say(with_states(orders_1="crash-loop", users_2="off"))
    expect(standing).to_contain_text("large is not well: 1 of 120 failed")
    expect(standing).to_contain_text("118 of 120 ready, 1 off")
    expect(standing.get_by_text("why it is crash-loop")).to_be_visible()
    rows.get_by_role("button", name="State").click()
    expect(rows.locator("tbody tr").first).to_contain_text("orders-1")
    say(large_system.told(0) | {"replaced": ["orders is /home/me/orders, not revision v1"]})
    expect(standing.get_by_text("orders is /home/me/orders, not revision v1")).to_be_visible()
    say(large_system.told(0) | {"running": False, "healthy": False})
    expect(standing).to_contain_text("large does not run")
    large.get_by_label("Actions of orders-2").click()
    expect(large.get_by_role("link", name="Events", exact=True).first).to_be_visible()
    expect(large.get_by_role("button", name="Restart")).to_have_count(0)
    say(large_system.told(0))
    large.evaluate("window.stream.onerror()")
    expect(standing.get_by_text("Not connected since")).to_be_visible()
    say({**large_system.told(0), "system": "", "nodes": [], "edges": [], "running": False})
    expect(large.get_by_role("heading", name="Nothing runs")).to_be_visible()


def test_a_killed_service_turns_red_and_green_again(shop: Shop, dashboard: Page):
    go(dashboard, "graph")
    node = dashboard.get_by_role("link", name=re.compile("^notification-service: "))
    expect(node.locator("g.well")).to_be_visible()
    os.kill(shop.pid("notification-service"), signal.SIGKILL)
    expect(node.locator("g.failed")).to_be_visible()
    expect(node.locator("g.well")).to_be_visible()
    go(dashboard, "timeline/notification-service")
    expect(dashboard.get_by_role("cell", name="backoff").first).to_be_visible()
    go(dashboard, "system/notification-service")
    dashboard.get_by_role("button", name="Restart").click()
    expect(dashboard.get_by_text("restarted", exact=True)).to_be_visible()


def test_a_service_is_stopped_when_that_is_said_twice_and_started_again(dashboard: Page):
    go(dashboard, "graph/notification-service")
    node = dashboard.get_by_role("link", name=re.compile("^notification-service: "))
    about = dashboard.get_by_role("complementary", name="About notification-service")
    about.get_by_role("button", name="Stop", exact=True).click()
    about.get_by_role("button", name=re.compile("^Stop it")).click()
    expect(dashboard.get_by_role("link", name="notification-service: off")).to_be_visible()
    about.get_by_role("button", name="Start").click()
    expect(node.locator("g.well")).to_be_visible()
    expect(dashboard.get_by_role("link", name="notification-service: healthy")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_each_view_can_be_read_and_used_by_keys(shop: Shop, dashboard: Page, view, scheme):
    dashboard.emulate_media(color_scheme=scheme)
    go(dashboard, view)
    expect(
        dashboard.locator("main").locator("svg, table, [role=table], canvas, article").first
    ).to_be_visible()
    assert faults(dashboard) == []
    assert weak_text(dashboard) == []
    if scheme == "light":
        assert unseen_focus(dashboard) == []
        for width in (1024, 400):
            dashboard.set_viewport_size({"width": width, "height": 800})
            assert faults(dashboard) == []


@pytest.mark.parametrize("width", [1440, 400])
def test_axe_finds_nothing_serious_in_any_view(shop: Shop, dashboard: Page, width):
    axe = axe_core()
    if axe is None:
        pytest.skip("axe-core is not there (.ci/axe)")
    dashboard.set_viewport_size({"width": width, "height": 800})
    found = {}
    for scheme in ("light", "dark"):
        dashboard.emulate_media(color_scheme=scheme)
        for view in VIEWS:
            go(dashboard, view)
            shown = dashboard.locator("main").locator("svg, table, [role=table], canvas, article")
            expect(shown.first).to_be_visible()
            found[view, scheme] = barriers(dashboard, axe)
    assert {where: wrong for where, wrong in found.items() if wrong} == {}


def test_without_the_token_the_dashboard_stays_shut(shop: Shop, visit):
    page = visit(shop.origin)
    answer = page.goto("/")
    assert answer is not None
    assert answer.status == 401
    assert "open the link" in page.inner_text("body")


def test_hostile_spans_lines_and_messages_are_shown_as_text(shop: Shop, dashboard: Page):
    for kind, body in sent(f"planted{HOSTILE}").items():
        request = urllib.request.Request(
            f"{shop.origin}/v1/{kind}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200
    quoted = HOSTILE.replace("'", "''")
    shop.execute(
        "payments-db",
        "INSERT INTO parked (consumer, topic, message_id, key, payload, state, failures, error)"
        f" VALUES ('payments', 'order.placed', 'planted', '{quoted}',"
        f" '{json.dumps({'order': HOSTILE}).replace(chr(39), 2 * chr(39))}', 'parked', 20,"
        f" '{quoted}')",
    )

    def nothing_ran() -> None:
        assert dashboard.locator(".planted").count() == 0
        assert dashboard.evaluate("window.ran") is None

    try:
        go(dashboard, "traces/" + "ab" * 16)
        expect(dashboard.get_by_text("<img class=planted").first).to_be_visible()
        dashboard.locator(".waterfall").get_by_role("button").first.click()
        expect(dashboard.get_by_text("{{7*7}}").nth(1)).to_be_visible()
        assert dashboard.locator("a[href^='javascript:']").count() == 0
        nothing_ran()
        go(dashboard, "messages")
        letter = dashboard.locator(".letter")
        expect(letter.get_by_text("<img class=planted").first).to_be_visible()
        letter.locator("summary").click()
        nothing_ran()
        for view in VIEWS:
            go(dashboard, view)
            expect(dashboard.locator("main h1, main h2").first).to_be_visible()
            if view in ("traces", "logs"):
                expect(dashboard.get_by_text("<img class=planted").first).to_be_visible()
            nothing_ran()
    finally:
        shop.execute("payments-db", "DELETE FROM parked WHERE message_id = 'planted'")
