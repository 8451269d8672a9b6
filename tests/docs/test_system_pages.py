"""The page of each system, typed as it stands."""

from __future__ import annotations

import re
import shutil

import pytest
import yaml
from pages import ROOT, Page, typed

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not shutil.which("curl"), reason="the pages' commands need curl"),
]


@pytest.fixture
def copied(tmp_path):
    """Give a way to copy a system, so that what the developer runs is left alone."""
    folders = []

    def copy(system):
        folder = tmp_path / "systems" / system
        ignored = shutil.ignore_patterns(".tarmac", "__pycache__")
        shutil.copytree(ROOT / "systems" / system, folder, ignore=ignored)
        file = folder / "tarmac.yaml"
        file.write_text(file.read_text().replace("../../services", str(ROOT / "services")))
        folders.append((tmp_path, system))
        return tmp_path

    yield copy
    for folder, system in folders:
        typed(f"tarmac down {system} --delete-data || true", folder)


def test_kettles_are_bought_once_as_the_shop_page_tells_it(copied):
    page = Page("tutorial/the-shop.md")
    folder = copied("shop")
    page.moved_with(folder / "systems/shop/tarmac.yaml", 3000, 8080)
    said = typed(page.commands("Buy something"), folder)
    orders = re.findall(r'"id":"([0-9a-f-]{36})","status":"\w+"', said)
    assert len(orders) >= 2
    assert len(set(orders)) == 1
    assert '"status":"confirmed"' in said
    assert said.count("holds ") >= 10
    assert "no dead letters" in said


def test_a_trip_is_booked_as_the_travel_page_tells_it(copied):
    page = Page("tutorial/travel.md")
    folder = copied("travel")
    page.moved_with(folder / "systems/travel/tarmac.yaml", 8090, 8091)
    script = "\n".join(page.commands(title) for title in ("Start", "Book a trip", PROMISES, "Stop"))
    said = typed(script, folder)
    assert '"version":2' in said
    assert '"status":"placed"' in said
    assert '"status":"confirmed"' in said
    assert "carts-are-ordered-once" in said


def test_hello_dd_grows_sells_and_breaks_as_its_page_tells_it(copied):
    page = Page("tutorial/hello-dd.md")
    folder = copied("hello-dd")
    page.moved_with(folder / "systems/hello-dd/tarmac.yaml", 8081, 8082, 8083)
    headings = ("Grow it, service by service", "Buy something", "Set prices", "Break something")
    said = typed("\n".join(map(page.commands, (*headings, PROMISES, "Stop"))), folder)
    assert '"available":500' in said
    assert '"price_minor":990' in said
    assert '"total_minor":11500' in said
    assert '"code": "out_of_stock"' in said
    assert '"result":{"rules":2}' in said
    assert '"price_minor":18428' in said
    assert re.search(r'client_breaker_state\{role="pricing".*} [0-2]', said)
    assert "sold-when-confirmed" in said


def test_shares_are_traded_checked_and_kept_as_the_trading_page_tells_it(copied):
    page = Page("tutorial/trading.md")
    folder = copied("trading")
    page.moved_with(folder / "systems/trading/tarmac.yaml", 8080, 8000, 3000)
    headings = ("Start", "Trade", "Check a trade", "Break something", PROMISES, "Stop")
    said = typed("\n".join(map(page.commands, headings)), folder)
    assert said.count('"amount_minor":1000000') == 2
    assert said.count("event: quote") == 6
    assert '"held_minor":40000' in said
    assert '"reason":"by_owner"' in said
    assert '"code": "insufficient_funds"' in said
    assert "traded at the price of tick" in said
    assert '"code": "quotes_unavailable"' in said
    assert '"value_minor":null' in said
    assert '"quantity":6,' in said
    file = yaml.safe_load((ROOT / "systems/trading/tarmac.yaml").read_text())
    assert said.count("holds ") == len(file["invariants"])


def test_the_trading_page_lists_each_of_its_services_with_its_port():
    services = yaml.safe_load((ROOT / "systems/trading/tarmac.yaml").read_text())["services"]
    rows = re.findall(
        r"^\| ([\w-]+) \| \w+ \| (\d+) \|", Page("tutorial/trading.md").text, re.MULTILINE
    )
    assert rows == [(name, str(service["port"])) for name, service in services.items()]


def test_a_user_of_the_starter_orders_and_order_service_hangs_as_its_page_tells_it(copied):
    page = Page("tutorial/starter.md")
    folder = copied("starter")
    page.moved_with(folder / "systems/starter/tarmac.yaml", 8010, 8001, 8002)
    headings = ("Start", "Become a user", "Order something", "Break something", PROMISES, "Stop")
    said = typed("\n".join(map(page.commands, headings)), folder)
    assert '"version":2' in said
    assert '"code": "version_conflict"' in said
    assert '"status":"confirmed"' in said
    assert '"degraded": ["orders"]' in said
    assert "totals-are-sums" in said


PROMISES = "What is guaranteed, and why"
