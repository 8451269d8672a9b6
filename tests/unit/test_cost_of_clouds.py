"""What an environment costs: lines that add up, nodes divided among pods, ways to pay less."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tarmac import rendering
from tarmac.cli._cost import cost
from tarmac.cost.catalogue import prices
from tarmac.cost.estimate import Estimate, estimate
from tarmac.cost.savings import ROOM, savings
from tarmac.errors import BadInput
from tarmac.plan.cloud import CloudInfrastructure, CloudNodes
from tarmac.plan.cluster import ClusterPlan

SHOP = Path(__file__).parents[2] / "systems" / "shop" / "tarmac.yaml"
PRICES = prices()


@pytest.fixture(scope="module")
def plan() -> ClusterPlan:
    return rendering.make(SHOP, "production", ()).plan


@pytest.fixture(scope="module")
def cloud(plan: ClusterPlan) -> CloudInfrastructure:
    assert plan.cloud is not None
    return plan.cloud


@pytest.fixture(scope="module")
def found(plan: ClusterPlan, cloud: CloudInfrastructure) -> Estimate:
    return estimate(plan, cloud, PRICES)


def nodes(cloud: CloudInfrastructure, **of_group: object) -> CloudInfrastructure:
    """The same with one group of nodes, which differs in this."""
    group: CloudNodes = replace(cloud.nodes[0], **of_group)
    return replace(cloud, nodes=(group,))


def test_a_line_is_its_price_by_hours_and_number(found: Estimate) -> None:
    lines = {line.what: line.month for line in found.lines}
    assert lines["EKS"] == pytest.approx(0.10 * 730)
    assert lines["nodes general"] == pytest.approx(5 * (0.096 * 730 + 50 * 0.08))
    assert lines["elasticache"] == pytest.approx(3 * 0.206 * 730)
    assert found.month == pytest.approx(sum(lines.values()))


def test_what_pods_request_and_what_is_idle_is_all_of_the_nodes(found: Estimate) -> None:
    assert {share.name for share in found.shares} >= {"order-service", "storefront", "broker"}
    assert sum(s.month for s in found.shares) + found.idle_month == pytest.approx(found.nodes_month)
    assert 0 < found.idle_share < 1


def test_spot_nodes_cost_their_share(plan: ClusterPlan, cloud: CloudInfrastructure) -> None:
    dear = estimate(plan, nodes(cloud, spot=False, disk_gb=0), PRICES)
    cheap = estimate(plan, nodes(cloud, spot=True, disk_gb=0), PRICES)
    assert cheap.nodes_month == pytest.approx(PRICES.nodes.spot * dear.nodes_month)


def test_more_nodes_are_more_idle(plan: ClusterPlan, cloud: CloudInfrastructure) -> None:
    idle = [estimate(plan, nodes(cloud, desired=n), PRICES).idle_share for n in (4, 8, 16)]
    assert idle == sorted(idle)
    assert idle[0] < idle[-1]


def test_ways_to_save_leave_a_node_in_each_zone_and_room_for_the_pods(
    plan: ClusterPlan, cloud: CloudInfrastructure
) -> None:
    wide = nodes(cloud, desired=12)
    now = estimate(plan, wide, PRICES)
    fewer, on_spot = savings(plan, wide, PRICES, now)
    left = 12 - int(fewer.what.split()[0])
    after = estimate(plan, nodes(cloud, desired=left), PRICES)
    assert 3 <= left < 12
    assert after.cpu >= ROOM * sum(share.cpu for share in now.shares)
    assert now.month - after.month == pytest.approx(fewer.month)
    assert "storefront" in on_spot.how
    assert "broker" not in on_spot.how
    assert 0 < fewer.month + on_spot.month < now.nodes_month
    tight = nodes(cloud, desired=3, types=("m5.xlarge",))
    assert not [
        w for w in savings(plan, tight, PRICES, estimate(plan, tight, PRICES)) if "fewer" in w.what
    ]


@pytest.mark.parametrize("kind", ["m5.lagre", "x1e.32xlarge"])
def test_a_type_without_a_price_is_told(
    plan: ClusterPlan, cloud: CloudInfrastructure, kind: str
) -> None:
    with pytest.raises(BadInput, match=rf"no price of '{kind}' \(nodes general\)"):
        estimate(plan, nodes(cloud, types=(kind,)), PRICES)


def test_old_prices_are_told_each_with_its_source() -> None:
    assert PRICES.old(dt.date(2026, 12, 1)) == []
    late = PRICES.old(dt.date(2027, 2, 1))
    assert late == [
        f"the prices of nodes are of 2026-07-06: read them again at {PRICES.nodes.source}"
    ]


ENVIRONMENTS = [
    (file.parent.name, name)
    for file in sorted(SHOP.parents[1].glob("*/tarmac.yaml"))
    for name, one in (yaml.safe_load(file.read_text())["environments"] or {}).items()
    if one and "infrastructure" in one
]


@pytest.mark.parametrize(("system", "environment"), ENVIRONMENTS)
def test_every_environment_in_aws_has_an_estimate(
    system: str, environment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = SHOP.parents[1] / system / "tarmac.yaml"
    assert cost(file, environment, None, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["month"] == pytest.approx(sum(line["month"] for line in said["lines"]))
    assert said["day"] > 1


def test_a_budget_decides_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost(SHOP, "production", 5000, as_json=False) == 0
    assert "within the budget of 5000.00 USD" in capsys.readouterr().out
    assert cost(SHOP, "production", 700, as_json=False) == 1
    assert "over the budget of 700.00 USD" in capsys.readouterr().out


def test_an_environment_without_infrastructure_is_told() -> None:
    with pytest.raises(BadInput, match=r"environments\.kind: has no `infrastructure:`"):
        cost(SHOP, "kind", None, as_json=False)
