"""The facts that `tarmac docs` writes are those of the model, and of the files beside it."""

from __future__ import annotations

import json

from click.testing import CliRunner
from rendered import ROOT, system_of

from tarmac.cli.main import tarmac
from tarmac.reports.site import facts, pages
from tarmac.reports.site.drawing import drawing


def shop():
    return facts.read(ROOT / "systems/shop/tarmac.yaml", "shop")


def test_every_service_has_its_owner_edges_objectives_apis_and_cost():
    services = {one["name"]: one for one in shop()["services"]}
    assert services.keys() == system_of("shop").file.services.keys()
    gateway, orders = services["api-gateway"], services["order-service"]
    assert gateway["calls"] == ["order-service", "product-service", "user-service"]
    assert gateway["called_by"] == ["storefront"]
    assert len(gateway["objectives"]) == 2
    assert orders["publishes"] == ["order.placed", "order.confirmed", "order.cancelled"]
    [api] = orders["apis"]
    assert {"POST", "GET"} <= {one["method"] for one in api["operations"]}
    assert all(one["month_usd"] > 0 for one in services.values())
    assert services["product-service"]["owner"] == "platform-team"
    links = [link for link in gateway["runbooks"] if link.startswith("https:")]
    assert len(links) == len(set(links)) == 1, "both regions have one"


def test_the_verb_prints_the_same_as_data_and_writes_a_page_for_each_service(tmp_path):
    printed = CliRunner().invoke(tarmac, ["docs", "starter", "--json"])
    found = json.loads(printed.output)
    assert {one["name"] for one in found["services"]} == {"user-service", "order-service"}
    made = CliRunner().invoke(tarmac, ["docs", "starter", "--out", str(tmp_path / "site")])
    assert made.exit_code == 0, made.output
    written = {path.name for path in (tmp_path / "site").iterdir()}
    assert written == {"index.html", "service-user-service.html", "service-order-service.html"}


def test_a_description_that_cannot_be_read_is_said_and_stops_nothing(tmp_path):
    (tmp_path / "tarmac.yaml").write_text(
        "tarmac: 1\nsystem: one\nservices:\n  web: {run: [web], port: 8080, api: openapi.yaml}\n"
    )
    found = facts.read(tmp_path / "tarmac.yaml", None)
    assert found["services"][0]["apis"][0]["operations"] == []
    assert "cannot be read" in pages.pages(found)["service-web.html"]


def test_text_of_others_stays_text_on_the_pages(tmp_path):
    (tmp_path / "tarmac.yaml").write_text(
        "tarmac: 1\nsystem: one\nservices:\n  web: {run: ['<script>alert(1)</script>'], port: 1}\n"
    )
    written = pages.pages(facts.read(tmp_path / "tarmac.yaml", None))
    assert not any("<script" in text for text in written.values())


def test_services_that_call_each_other_are_drawn_in_one_column():
    found = {
        "services": [
            {"name": "a", "calls": ["b"], "stores": [], "externals": []},
            {"name": "b", "calls": ["a"], "stores": [], "externals": []},
        ],
        "stores": [],
        "externals": {},
    }
    boxes = [part for part in drawing(found) if part.tag == "rect"]
    assert {box.get("x") for box in boxes} == {"0"}
    assert len({box.get("y") for box in boxes}) == 2
