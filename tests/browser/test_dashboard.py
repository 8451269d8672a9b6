"""The dashboard of a running shop that is used."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import large_system
import pytest
from buying import check_out, put_into_cart, sign_up
from planted import HOSTILE, sent
from playwright.sync_api import Browser, Page, expect
from seeing import faults, unseen_focus, weak_text
from system_up import Tarmac, brought_up, page_of

VIEWS = (
    *("system", "traces", "logs", "metrics", "objectives"),
    *("messages", "stores", "timeline", "runs", "configuration"),
    "catalogue",
)


class Shop(NamedTuple):
    """The shop, its command and where it is seen."""

    tarmac: Tarmac
    status: dict[str, Any]
    storefront: str
    #: The link with its token.
    dashboard: str

    def pid(self, name: str) -> int:
        (pid,) = (node["pid"] for node in self.status["nodes"] if node["name"] == name)
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


@pytest.fixture(scope="module")
def shop(chromium: Browser) -> Iterator[Shop]:
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


@pytest.fixture
def dashboard(shop: Shop, visit) -> Page:
    """Give the dashboard as its link opens it."""
    address = urlsplit(shop.dashboard)
    page = visit(f"{address.scheme}://{address.netloc}", viewport={"width": 1280, "height": 800})
    page.goto(shop.dashboard)
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    return page


def go(page: Page, view: str) -> None:
    """Open a view by its address, as a link of a chat does."""
    page.goto(f"/#/{view}")


def test_the_link_leaves_no_token_in_the_address(dashboard: Page):
    assert "token" not in dashboard.url
    expect(dashboard).to_have_title("System · shop")


def test_the_system_is_drawn_with_its_traffic(shop: Shop, dashboard: Page):
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
    address = urlsplit(shop.dashboard)
    page = visit(f"{address.scheme}://{address.netloc}", viewport={"width": 1280, "height": 800})
    page.add_init_script(large_system.STREAM)
    page.goto(shop.dashboard)
    page.wait_for_function("() => Boolean(window.stream?.onmessage)")
    tell(page, 0)
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
    assert large.url.endswith("#/system/search-9")
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


def test_a_killed_service_turns_red_and_green_again(shop: Shop, dashboard: Page):
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
    go(dashboard, "system/notification-service")
    node = dashboard.get_by_role("link", name=re.compile("^notification-service: "))
    about = dashboard.get_by_role("complementary", name="About notification-service")
    about.get_by_role("button", name="Stop", exact=True).click()
    about.get_by_role("button", name=re.compile("^Stop it")).click()
    expect(dashboard.get_by_role("link", name="notification-service: off")).to_be_visible()
    about.get_by_role("button", name="Start").click()
    expect(node.locator("g.well")).to_be_visible()
    expect(dashboard.get_by_role("link", name="notification-service: healthy")).to_be_visible()


def test_a_purchase_is_one_trace_with_its_statements_messages_and_lines(dashboard: Page):
    go(dashboard, "traces?service=notification-service")
    dashboard.get_by_label("Name").fill("checkout")
    dashboard.locator(".traces a").first.click()
    spans = dashboard.locator(".waterfall")
    for service in ("api-gateway", "order-service", "payment-service", "notification-service"):
        expect(spans.locator("b", has_text=service).first).to_be_visible()
    expect(spans.get_by_role("button", name=re.compile("INSERT")).first).to_be_visible()
    spans.get_by_role("button", name=re.compile("INSERT")).first.click()
    expect(spans.get_by_text("postgresql").first).to_be_visible()
    lines = dashboard.get_by_role("table", name="Log lines of this trace")
    expect(lines.get_by_text("order-service").first).to_be_visible()
    address = dashboard.url
    dashboard.goto("about:blank")
    dashboard.goto(address)
    expect(spans.get_by_role("button").first).to_be_visible()


def test_traces_are_found_by_their_duration_and_compared(dashboard: Page):
    go(dashboard, "traces?name=GET%20/static")
    bars = dashboard.get_by_role("group", name="Traces by duration").get_by_role("button")
    all_of_them = dashboard.locator(".traces tbody tr")
    expect(all_of_them.first).to_be_visible()
    before = all_of_them.count()
    bars.first.click()
    expect(dashboard.get_by_role("button", name=re.compile("^only .* show all"))).to_be_visible()
    assert "below_us" in dashboard.url
    expect(all_of_them.first).to_be_visible()
    assert 0 < all_of_them.count() <= before
    go(dashboard, "traces?name=GET%20/static")
    dashboard.locator(".traces a").first.click()
    dashboard.get_by_label("Compare with").select_option(index=1)
    table = dashboard.get_by_role("table", name="Operations of both traces")
    expect(table.get_by_role("cell", name="storefront GET /static/{name}")).to_be_visible()
    assert "with=" in dashboard.url


def test_log_lines_are_followed_filtered_and_paused(shop: Shop, dashboard: Page):
    go(dashboard, "logs?node=api-gateway")
    rows = dashboard.get_by_role("table", name="Log lines").get_by_role("row")
    expect(rows.filter(has_text="/api/products").first).to_be_visible()
    for row in rows.all():
        assert "api-gateway" in row.inner_text()
    dashboard.get_by_label("Text").fill("no line has these words")
    expect(dashboard.get_by_role("heading", name="No lines")).to_be_visible()
    dashboard.get_by_label("Text").fill("a-word-of-this-test")
    dashboard.request.get(f"{shop.storefront}/products?q=a-word-of-this-test")
    dashboard.get_by_label("Text").fill("")
    before = dashboard.get_by_role("status").inner_text()
    dashboard.get_by_role("button", name="Pause").click()
    expect(dashboard.get_by_role("button", name="Follow")).to_be_visible()
    dashboard.get_by_role("button", name="Follow").click()
    dashboard.request.get(shop.storefront)
    expect(dashboard.get_by_text(before, exact=True)).to_have_count(0)


def test_metrics_show_requests_and_any_series(dashboard: Page):
    go(dashboard, "metrics/api-gateway")
    counted = re.compile(r"Requests: all .* at most (?!0.s;)")
    # Read each 5 s, and shown when a step of 10 s is over.
    expect(dashboard.get_by_role("img", name=counted)).to_be_visible(timeout=40_000)
    series = dashboard.get_by_label("Series")
    # What is typed stays when the view is drawn again with new numbers.
    with dashboard.expect_response(re.compile("/api/metrics")):
        series.fill("http_requests_total")
    dashboard.evaluate("() => new Promise(requestAnimationFrame)")
    series.press("Enter")
    dashboard.get_by_role("combobox", name=re.compile("^By")).select_option("status")
    expect(
        dashboard.get_by_role("img", name=re.compile("http_requests_total.*200 "))
    ).to_be_visible()
    assert "by=status" in dashboard.url


@pytest.fixture
def earlier_run(shop: Shop, dashboard: Page) -> Iterator[str]:
    """Give a run half an hour before this one: the same samples, but twice as many requests."""
    go(dashboard, "metrics/api-gateway")
    dashboard.get_by_label(re.compile("^Run")).select_option(index=1)
    counted = re.compile(r"Requests: all.* at most (?!0.s;)")
    expect(dashboard.get_by_role("img", name=counted)).to_be_visible(timeout=40_000)
    name, ago_ms = "as-if-earlier", 1_800_000
    path = Path(shop.status["file"]).parent / ".tarmac" / shop.status["namespace"]
    with contextlib.closing(sqlite3.connect(path / "telemetry.sqlite", timeout=20)) as file:
        with file:
            (began_ms,) = file.execute("SELECT began_ms FROM runs").fetchone()
            run = "INSERT INTO runs SELECT ?, began_ms - ?, until_ms - ? FROM runs"
            file.execute(run, (name, ago_ms, ago_ms))
            file.execute(
                "INSERT INTO samples SELECT series, at_ms - ?, iif(kind = 'counter', 2, 1) * value"
                " FROM samples JOIN series ON series = id",
                (ago_ms,),
            )
        yield name
        with file:
            file.execute("DELETE FROM runs WHERE name = ?", (name,))
            file.execute("DELETE FROM samples WHERE at_ms < ?", (began_ms,))


def test_two_runs_are_drawn_upon_each_other_from_their_starts(dashboard: Page, earlier_run: str):
    this_run = dashboard.get_by_label(re.compile("^Run")).input_value()
    dashboard.get_by_label("Beside").select_option(earlier_run)
    drawn = dashboard.get_by_role("img", name=re.compile("^Requests: "))
    legend = drawn.locator(".u-legend")
    for line in ("since the start", f"all, {this_run}", f"failed, {earlier_run}"):
        expect(legend.get_by_text(line)).to_be_visible()
    expect(drawn).to_have_accessible_name(re.compile(f"all, {earlier_run} .* at most (?!0.s;)"))
    address = dashboard.url
    asked = f"service=api-gateway&run={this_run}&run={earlier_run}"
    answer = dashboard.request.get(f"/api/metrics?{asked}").json()
    assert answer["ends_ms"][0] == 10_000
    now, before = (run["red"]["requests_per_s"] for run in answer["runs"])
    known = [(one, two) for one, two in zip(now, before, strict=True) if two is not None]
    assert any(two for _, two in known)
    # A reading that was on its way when the samples were copied is in the later run alone.
    assert all(two <= 2.001 * one for one, two in known)
    dashboard.goto("about:blank")
    dashboard.goto(address)
    expect(legend.get_by_text(f"all, {earlier_run}")).to_be_visible()
    for width in (1280, 400):
        dashboard.set_viewport_size({"width": width, "height": 800})
        assert faults(dashboard) == []
    dashboard.get_by_label("Beside").select_option("")
    expect(legend.get_by_text(f"all, {earlier_run}")).to_have_count(0)


def test_objectives_show_what_is_left_of_their_budgets(dashboard: Page):
    go(dashboard, "objectives")
    card = dashboard.locator(".objective").first
    expect(card.get_by_text("error budget left")).to_be_visible()
    expect(card.get_by_role("cell", name="inactive").first).to_be_visible()


def test_messages_and_stores_show_what_the_purchase_left(dashboard: Page):
    go(dashboard, "messages")
    placed = dashboard.get_by_role("row", name=re.compile(r"^order\.placed "))
    expect(placed.filter(has_text="publishes")).to_be_visible()
    expect(placed.filter(has_text="consumes: ok")).to_be_visible()
    expect(dashboard.get_by_text("None: whatever failed was retried with success.")).to_be_visible()
    go(dashboard, "stores")
    cards = dashboard.locator(".store")
    expect(cards.filter(has_text="orders-db").get_by_text("connections").first).to_be_visible()
    expect(cards.filter(has_text="cache").get_by_text("keys").first).to_be_visible()
    operation = dashboard.get_by_role("row", name=re.compile("^order-service INSERT orders"))
    expect(operation).to_be_visible()


def test_a_dead_letter_is_shown_with_its_payload_and_replayed(shop: Shop, dashboard: Page):
    dead = (
        "INSERT INTO parked (consumer, topic, message_id, key, payload, state, failures, error)"
        """ VALUES ('payments', 'order.placed', 'of-this-test', '', '{"order": 7}', 'parked', 20,"""
        " 'the bank was closed')"
    )
    shop.execute("payments-db", dead)
    go(dashboard, "messages")
    letter = dashboard.locator(".letter")
    expect(letter.get_by_text("the bank was closed")).to_be_visible()
    letter.locator("summary").click()
    expect(letter.get_by_text('"order": 7')).to_be_visible()
    letter.get_by_role("button", name=re.compile("^Replay")).click()
    expect(letter).to_have_count(0)
    gone = "DELETE FROM parked WHERE message_id = 'of-this-test'"
    shop.execute("payments-db", gone)


def test_every_variable_is_listed_with_its_place(dashboard: Page):
    go(dashboard, "configuration")
    row = dashboard.get_by_role("row", name=re.compile("^order-service DATABASE_URL"))
    expect(row).to_be_visible()
    assert "<secret" in row.inner_text()
    dashboard.get_by_label("Text").fill("stripe")
    expect(row).to_have_count(0)


def test_the_catalogue_has_every_service_and_draws_the_api_of_the_one_that_is_chosen(
    dashboard: Page,
):
    go(dashboard, "catalogue")
    table = dashboard.get_by_role("table", name="Services")
    expect(table.get_by_role("row")).to_have_count(8, timeout=60_000)
    table.get_by_role("link", name="order-service").click()
    operations = dashboard.get_by_role("table", name="Operations of order-service")
    expect(operations.get_by_role("row").filter(has_text="Place Order")).to_contain_text("202")
    expect(dashboard.get_by_role("table", name="Dependencies")).to_contain_text("product-service")


def test_this_run_is_listed_and_compared_with_itself(dashboard: Page):
    go(dashboard, "runs")
    expect(dashboard.get_by_role("table", name="Runs").get_by_role("row")).to_have_count(2)
    dashboard.get_by_label("Before").select_option(index=1)
    table = dashboard.get_by_role("table", name="Requests of both runs")
    expect(table.get_by_role("cell", name="api-gateway")).to_be_visible()


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
        dashboard.set_viewport_size({"width": 400, "height": 800})
        assert faults(dashboard) == []


def test_without_the_token_the_dashboard_stays_shut(shop: Shop, visit):
    address = urlsplit(shop.dashboard)
    page = visit(f"{address.scheme}://{address.netloc}")
    answer = page.goto("/")
    assert answer is not None
    assert answer.status == 401
    assert "open the link" in page.inner_text("body")


def test_hostile_spans_lines_and_messages_are_shown_as_text(shop: Shop, dashboard: Page):
    address = urlsplit(shop.dashboard)
    origin = f"{address.scheme}://{address.netloc}"
    for kind, body in sent(f"planted{HOSTILE}").items():
        request = urllib.request.Request(
            f"{origin}/v1/{kind}", json.dumps(body).encode(), {"Content-Type": "application/json"}
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
