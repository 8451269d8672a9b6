"""A drill that is shipped, on the real shop: proven, and no order lost; how fast is the bench's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARMAC = str(Path(sys.executable).with_name("tarmac"))


def test_orders_are_taken_and_end_though_the_broker_is_away(tmp_path):
    args = ["drill", "shop", "broker-outage", "--json", "--journal", str(tmp_path / "j.json")]
    done = subprocess.run(
        [TARMAC, *args], cwd=ROOT, capture_output=True, text=True, timeout=115, check=False
    )
    assert done.stdout, done.stderr
    journal = json.loads(done.stdout)
    assert journal == json.loads((tmp_path / "j.json").read_text())
    holds = {check["what"]: check["holds"] for check in journal["checks"]}
    measured = {check["what"]: check["measured"] for check in journal["checks"]}
    assert holds["outage on broker was there"], measured
    assert holds["the invariants hold afterwards"], measured
    assert any(what.startswith("api_availability") for what in holds), measured
    # Orders are accepted all the while: an outbox keeps what the broker cannot take.
    assert all(period["good"] > period["visits"] / 2 for period in journal["periods"]), journal
    assert "wires stand for the network: TCP connections, not packets" in journal["gaps"]


@pytest.mark.timeout(500)
@pytest.mark.timeout(600)  # two copies of the shop: three minutes beside other work
@pytest.mark.parametrize("name", ["orders-db-restore", "region-lost"])
def test_the_shop_loses_less_than_a_minute_and_is_back_within_five(name, tmp_path):
    args = ["drill", "shop", name, "--json", "--journal", str(tmp_path / "j.json")]
    done = subprocess.run(
        [TARMAC, *args], cwd=ROOT, capture_output=True, text=True, timeout=480, check=False
    )
    assert done.stdout, done.stderr
    journal = json.loads(done.stdout)
    assert journal["verdict"] == "PASS", [c for c in journal["checks"] if not c["holds"]]
    limits = {check["what"]: check["limit"] for check in journal["checks"]}
    lost = [in_seconds(limit) for what, limit in limits.items() if what.startswith("RPO of ")]
    assert lost, limits
    assert max(lost) < 60
    assert in_seconds(limits["RTO"]) < 300
    if name == "region-lost":
        assert in_seconds(limits["the entry switches"]) <= 30


def in_seconds(limit):
    return float(limit[:-1]) * {"s": 1, "m": 60}[limit[-1]]
