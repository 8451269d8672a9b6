"""Panels as data: a kind of store brings its own; a dashboard has those of its services."""

from __future__ import annotations

from dataclasses import replace

import yaml
from rendered import plan_of, watched_plan_of

from tarmac.render.observability.boards.panels import RED, YELLOW
from tarmac.render.observability.boards.service import service_board
from tarmac.render.observability.boards.stores import stores_board

PANEL = {
    "title": "Items",
    "unit": "short",
    "about": "All of them.",
    "marks": "full",
    "queries": [{"expr": "sum (memcached_items{<own>})", "legend": "<store>"}],
}


def of_kind(plan, folder):
    """Give a plan whose stores' exporters bring the files of a folder."""
    workloads = tuple(
        replace(workload, exporter=replace(workload.exporter, assets=folder))
        if workload.exporter
        else workload
        for workload in plan.workloads
    )
    return replace(plan, workloads=workloads)


def test_a_kind_of_store_brings_panels_in_its_own_folder(tmp_path):
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"panels": [PANEL]}))
    plan = of_kind(watched_plan_of("shop"), tmp_path)
    board = stores_board(plan)
    with_exporter = [store.name for store in plan.stores if store.exporter]
    assert [row.title for row in board.rows] == with_exporter
    for row, store in zip(board.rows, with_exporter, strict=True):
        own, disk = row.panels
        assert (disk.title, own.title) == ("Free disk space", "Items")
        assert own.queries[0].expr == f'sum (memcached_items{{namespace="shop",job="{store}"}})'
        assert own.queries[0].legend == store
        assert own.marks == {0.8: YELLOW, 0.95: RED}


def test_a_kind_without_panels_has_no_row(tmp_path):
    assert stores_board(of_kind(watched_plan_of("shop"), tmp_path)) is None


def rows_of(system, environment, name):
    plan = plan_of(system, environment)
    return {row.title: row.panels for row in service_board(plan, plan.workload(name)).rows}


def test_a_services_dashboard_has_the_rows_of_what_it_does():
    assert list(rows_of("shop", "production", "order-service")) == [
        "Requests", "Saturation", "Dependencies", "Events",
    ]  # fmt: skip
    worker = rows_of("shop", "production", "notification-service")
    assert "Requests" not in worker
    assert [panel.title for panel in worker["Events"]][-1] == "Messages by result"


def test_the_line_of_a_panel_is_the_objective_or_the_limit_where_there_is_one():
    with_objective = rows_of("shop", "production", "api-gateway")
    without = rows_of("shop", "production", "order-service")
    assert {p.title: p.marks for p in with_objective["Requests"]}["Duration"] == {0.2: RED}
    assert {p.title: p.marks for p in without["Requests"]}["Duration"] is None
    assert {p.title: p.marks for p in without["Saturation"]}["Memory by pod"]
