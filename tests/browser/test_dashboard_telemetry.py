"""The dashboard's views of what a shop did: traces, logs, metrics, runs, messages, stores."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from seeing import faults
from seen_shop import Shop, bought_in, go, opened


@pytest.fixture(scope="module")
def shop(chromium: Browser) -> Iterator[Shop]:
    """Give the shop after one purchase."""
    with bought_in(chromium) as made:
        yield made


@pytest.fixture
def dashboard(shop: Shop, visit) -> Page:
    """Give the dashboard as its link opens it."""
    return opened(shop, visit)


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
    go(dashboard, "traces?name=GET%20/static&all=true")
    bars = dashboard.get_by_role("group", name="Traces by duration").get_by_role("button")
    all_of_them = dashboard.locator(".traces tbody tr")
    expect(all_of_them.first).to_be_visible()
    before = all_of_them.count()
    bars.first.click()
    expect(dashboard.get_by_role("button", name=re.compile("^only .* show all"))).to_be_visible()
    assert "below_us" in dashboard.url
    expect(all_of_them.first).to_be_visible()
    assert 0 < all_of_them.count() <= before
    go(dashboard, "traces?name=GET%20/static&all=true")
    dashboard.locator(".traces a").first.click()
    dashboard.get_by_label("Compare with").select_option(index=1)
    table = dashboard.get_by_role("table", name="Operations of both traces")
    expect(table.get_by_role("cell", name="storefront GET /static/{name}")).to_be_visible()
    assert "with=" in dashboard.url


def test_files_of_pages_are_left_out_until_they_are_asked_for(dashboard: Page):
    go(dashboard, "traces?service=storefront")
    names = dashboard.get_by_role("table", name="Traces")
    expect(names.get_by_role("row").nth(1)).to_contain_text("request")
    expect(names.get_by_text("/static/")).to_have_count(0)
    dashboard.get_by_label("files and probes").check()
    expect(names.get_by_text("/static/").first).to_be_visible()
    go(dashboard, "traces?kind=message")
    expect(dashboard.locator(".kind.request")).to_have_count(0)


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
    counted = re.compile(r"Requests, per second: all .* at most (?!0.s;)")
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


def test_a_time_that_is_chosen_in_a_chart_holds_in_the_traces(dashboard: Page):
    go(dashboard, "metrics/api-gateway")
    drawn = dashboard.locator(".u-over").first
    expect(drawn).to_be_visible(timeout=40_000)
    room = drawn.bounding_box()
    assert room is not None
    dashboard.mouse.move(room["x"] + room["width"] / 2, room["y"] + 20)
    dashboard.mouse.down()
    dashboard.mouse.move(room["x"] + room["width"] - 2, room["y"] + 20, steps=5)
    dashboard.mouse.up()
    chosen = dashboard.get_by_role("button", name=re.compile("^Only .* show all times"))
    expect(chosen).to_be_visible()
    dashboard.get_by_role("link", name="Traces", exact=True).click()
    expect(chosen).to_have_text(re.compile(r"^\d\d:\d\d:\d\d . \d\d:\d\d:\d\d"))
    assert "from=" in dashboard.url
    expect(dashboard.get_by_role("table", name="Traces").get_by_role("row").nth(1)).to_be_visible()
    go(dashboard, "traces?from=1000000000000&to=1000000001000")
    expect(dashboard.get_by_role("heading", name="No traces")).to_be_visible()
    chosen.click()
    expect(dashboard.get_by_role("heading", name="No traces")).to_have_count(0)


@pytest.fixture
def earlier_run(shop: Shop, dashboard: Page) -> Iterator[str]:
    """Give a run half an hour before this one: the same samples, but twice as many requests."""
    go(dashboard, "metrics/api-gateway")
    dashboard.get_by_label(re.compile("^Run")).select_option(index=1)
    counted = re.compile(r"Requests, per second: all.* at most (?!0.s;)")
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
    drawn = dashboard.get_by_role("img", name=re.compile("^Requests, per second: "))
    legend = drawn.locator(".legend")
    for line in (f"all, {this_run}", f"failed, {earlier_run}"):
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
