"""What an environment costs: lines that add up, nodes divided among pods, ways to pay less."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tarmac.base.errors import BadInput
from tarmac.change.cost.catalogue import prices
from tarmac.change.cost.estimate import Estimate, estimate
from tarmac.change.cost.savings import ROOM, savings
from tarmac.change.cost.sizing import Usage, size_advice, with_advice
from tarmac.cli.output.cost import Measurement, cost
from tarmac.plan.cloud import CloudEgress, CloudInfrastructure, CloudNodes
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import in_memory

SHOP = Path(__file__).parents[2] / "systems" / "shop" / "tarmac.yaml"
PRICES = prices()


@pytest.fixture(scope="module")
def plan() -> ClusterPlan:
    return in_memory.make(SHOP, "production", ()).plan


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


def test_a_firewall_on_the_way_out_is_paid_for_in_each_zone(
    plan: ClusterPlan, cloud: CloudInfrastructure, found: Estimate
) -> None:
    walled = estimate(plan, replace(cloud, egress=CloudEgress(())), PRICES)
    [line] = [line for line in walled.lines if line.what == "network firewall"]
    assert line.month == pytest.approx(3 * 0.395 * 730)
    assert walled.month == pytest.approx(found.month + line.month)


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
    fewer, on_spot, *_ = savings(plan, wide, PRICES, now)
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


def test_production_costs_40_percent_less_with_a_commitment_and_24_without(
    plan: ClusterPlan, cloud: CloudInfrastructure, found: Estimate
) -> None:
    ways = list(savings(plan, cloud, PRICES, found))
    share = {
        takes: sum(way.month for way in ways if way.takes == takes) / found.month
        for takes in ("nothing", "commitment", "less")
    }
    assert share["nothing"] == pytest.approx(0.24, abs=0.005)
    assert share["nothing"] + share["commitment"] >= 0.40
    assert all(way.how and way.month > 0 for way in ways)
    assert [way.what for way in ways if way.takes == "less"] == ["1 NAT gateway instead of 3"]


def test_each_way_is_what_the_environment_would_cost_less_if_the_model_said_so(
    plan: ClusterPlan, cloud: CloudInfrastructure, found: Estimate
) -> None:
    ways = {way.what: way for way in savings(plan, cloud, PRICES, found)}
    general, spot = cloud.nodes
    left = (
        replace(general, desired=1, types=("m6g.large",)),
        replace(general, desired=2, types=("m6g.large",), spot=True),
        replace(spot, types=("m6g.large",)),
    )
    # AWS has no Redis of 7.2: the module makes a cache of Valkey.
    servers = tuple(replace(s, version="7.2") if s.module == "redis" else s for s in cloud.servers)
    after = estimate(plan, replace(cloud, nodes=left, servers=servers), PRICES)
    free = [way.month for way in ways.values() if way.takes == "nothing"]
    assert len(free) == 4
    assert found.month - after.month == pytest.approx(sum(free))
    # Of what is left then, at the price on demand.
    cache = next(line.month for line in after.lines if line.what == "elasticache")
    reserved = ways["elasticache reserved for a year"]
    assert reserved.month == pytest.approx(cache * (1 - PRICES.reserved.share["elasticache"]))
    fewer_gateways = estimate(plan, replace(cloud, nat=1), PRICES)
    assert ways["1 NAT gateway instead of 3"].month == pytest.approx(
        found.month - fewer_gateways.month
    )


def test_what_is_of_arm_and_valkey_already_is_not_told_again(
    plan: ClusterPlan, cloud: CloudInfrastructure
) -> None:
    servers = tuple(replace(s, version="8.0") if s.module == "redis" else s for s in cloud.servers)
    new = replace(nodes(cloud, types=("m6g.large",), desired=3), servers=servers)
    said = [way.what for way in savings(plan, new, PRICES, estimate(plan, new, PRICES))]
    assert not [what for what in said if "ARM" in what or "Valkey" in what]


def test_only_what_may_go_is_off_at_night(plan: ClusterPlan, cloud: CloudInfrastructure) -> None:
    def ways(protected: bool) -> list[str]:
        one = replace(cloud, protected=protected)
        found = estimate(plan, one, PRICES)
        return [way.what for way in savings(plan, one, PRICES, found) if way.takes == "less"]

    assert "nights and weekends off" in ways(protected=False)
    assert "nights and weekends off" not in ways(protected=True)


@pytest.mark.parametrize("kind", ["m5.lagre", "x1e.32xlarge"])
def test_a_type_without_a_price_is_reported(
    plan: ClusterPlan, cloud: CloudInfrastructure, kind: str
) -> None:
    with pytest.raises(BadInput, match=rf"no price of '{kind}' \(nodes general\)"):
        estimate(plan, nodes(cloud, types=(kind,)), PRICES)


def test_old_prices_are_reported_each_with_its_source() -> None:
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
    assert "within the budget of 5,000.00 USD" in capsys.readouterr().out
    assert cost(SHOP, "production", 700, as_json=False) == 1
    assert "over the budget of 700.00 USD" in capsys.readouterr().out


def test_an_environment_without_infrastructure_is_reported() -> None:
    with pytest.raises(BadInput, match=r"environments\.kind: has no `infrastructure:`"):
        cost(SHOP, "kind", None, as_json=False)
    with pytest.raises(BadInput, match=r"environments\.dr: is made with production"):
        cost(SHOP, "dr", None, as_json=False)


MIB = 1024**2
#: Production requests 250m and 256Mi, and its autoscaler adds a pod at 70 and 80 %.
USED = {"order-service": Usage(0.07, 100 * MIB), "user-service": Usage(0.35, 480 * MIB)}


def test_what_is_used_is_the_share_of_the_advice_at_which_no_pod_is_added(
    plan: ClusterPlan, found: Estimate
) -> None:
    one, other = sorted(size_advice(plan, found, USED), key=lambda sizing: sizing.name)
    assert (one.requested.cpu, one.requested.memory_mib) == (0.25, 256)
    assert (one.advised.cpu, one.advised.memory_mib) == (pytest.approx(0.1), 128)
    assert one.text == "{cpu: 100m, memory: 128Mi}"
    assert 0 < one.saved < one.month
    assert (other.advised.cpu, other.advised.memory_mib) == (pytest.approx(0.5), 608)
    assert other.saved < 0, "it is too small, and a larger one costs more"
    assert (one.limited, other.limited) == (False, True), "512Mi is its limit"
    assert one.spot
    assert other.spot


def test_the_saving_is_what_the_share_of_the_nodes_would_be_less(
    plan: ClusterPlan, cloud: CloudInfrastructure, found: Estimate
) -> None:
    [sizing] = size_advice(plan, found, {"order-service": USED["order-service"]})
    workload = plan.workload("order-service")
    requests = {"cpu": "100m", "memory": "128Mi"}
    smaller = replace(
        workload, resources=workload.resources.model_copy(update={"requests": requests})
    )
    others = tuple(smaller if w is workload else w for w in plan.workloads)
    after = estimate(replace(plan, workloads=others), cloud, PRICES)
    share = next(share for share in after.shares if share.name == "order-service")
    assert sizing.month - sizing.saved == pytest.approx(share.month)
    assert with_advice(found, [sizing]).shares == tuple(
        replace(s, cpu=pytest.approx(s.cpu), month=pytest.approx(s.month)) for s in after.shares
    )


def test_a_service_that_idles_is_advised_what_it_takes_to_begin(
    plan: ClusterPlan, found: Estimate
) -> None:
    [sizing] = size_advice(plan, found, {"storefront": Usage(0.0, 1.0), "unknown": Usage(1, 1)})
    assert (sizing.advised.cpu, sizing.advised.memory_mib) == (0.05, 64)


def test_the_advice_is_printed_with_its_load_and_counts_in_the_ways_to_save(
    capsys: pytest.CaptureFixture[str],
) -> None:
    idle = {name: Usage(0.01, 60 * MIB) for name in ("order-service", "user-service", "storefront")}
    seen = Measurement(20.0, idle, 12.5)
    assert cost(SHOP, "production", None, seen, as_json=False) == 0
    said = capsys.readouterr().out
    assert "measured for 20 s at 12.5 requests per second" in said
    assert "advice: order-service: write requests: {cpu: 50m, memory: 80Mi}" in said
    cost(SHOP, "production", None, seen, as_json=True)
    sized = json.loads(capsys.readouterr().out)
    cost(SHOP, "production", None, as_json=True)
    plain = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in sized["sizes"]] == sorted(
        idle, key=[one["name"] for one in plain["shares"]].index
    )
    assert sum(w["month"] for w in sized["savings"]) >= sum(w["month"] for w in plain["savings"])
    assert "sizes" not in plain
