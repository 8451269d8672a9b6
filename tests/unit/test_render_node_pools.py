"""Karpenter's pools are those of the model, and what no node could be of is refused."""

from __future__ import annotations

import pytest
from demo_system import KINDS, demo
from rendered import artifacts_of

from tarmac.base.errors import BadInput
from tarmac.plan.deploy import deploy
from tarmac.render.kubernetes.node_pools import render

SYSTEM = """
tarmac: 1
system: demo
services: {web: {run: [bin/web], port: 8080}}
environments:
  first:
    cloud: aws
    region: eu-central-1
    zones: 3
    registry: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo
    nodes: {role: general}
    infrastructure: {%s}
"""
LIMITS = "limits: {cpu: 10, memory: 40Gi}"


def objects(kind):
    made = artifacts_of("shop", "production")
    return {a.data["metadata"]["name"]: a.data for a in made if a.data.get("kind") == kind}


def refused(infrastructure):
    with pytest.raises(BadInput) as found:
        deploy(demo(SYSTEM % infrastructure), "first", KINDS)
    return [str(problem) for problem in found.value.problems]


def test_the_shops_pool_has_the_roadmaps_types_zones_limits_and_ages():
    spec = objects("NodePool")["default"]["spec"]
    node = spec["template"]["spec"]
    wanted = {one["key"]: one["values"] for one in node["requirements"]}
    assert wanted["karpenter.sh/capacity-type"] == ["spot", "on-demand"]
    assert wanted["node.kubernetes.io/instance-type"] == [
        f"{family}.{size}" for family in ("m5", "m5a", "m6i") for size in ("large", "xlarge")
    ]
    assert wanted["topology.kubernetes.io/zone"] == ["us-east-1a", "us-east-1b", "us-east-1c"]
    assert spec["limits"] == {"cpu": "100", "memory": "400Gi"}
    assert node["expireAfter"] == "720h"  # 2592000 s
    assert spec["disruption"] == {
        "consolidationPolicy": "WhenEmptyOrUnderutilized",
        "consolidateAfter": "30s",
    }


def test_a_machine_is_bottlerocket_with_encrypted_gp3_and_found_by_the_clusters_tag():
    spec = objects("EC2NodeClass")["default"]["spec"]
    assert spec["amiFamily"] == "Bottlerocket"
    disks = {one["deviceName"]: one["ebs"] for one in spec["blockDeviceMappings"]}
    assert {(one["volumeType"], one["encrypted"]) for one in disks.values()} == {("gp3", True)}
    assert disks["/dev/xvdb"]["volumeSize"] == "50Gi"
    tag = [{"tags": {"karpenter.sh/discovery": "ecommerce-production"}}]
    assert spec["subnetSelectorTerms"] == spec["securityGroupSelectorTerms"] == tag
    assert {"Project": "ecommerce", "ManagedBy": "karpenter"}.items() <= spec["tags"].items()
    # AWS Budgets counts what has this tag.
    assert spec["tags"]["Budget"] == "ecommerce-production"


def test_a_pool_serves_the_nodes_that_pods_select():
    [pool] = objects("NodePool").values()
    pods = [one["spec"]["template"]["spec"] for one in objects("Deployment").values()]
    chosen = {tuple(pod["nodeSelector"].items()) for pod in pods if "nodeSelector" in pod}
    assert chosen == {(("role", "general"),)}
    assert pool["spec"]["template"]["metadata"]["labels"] == {"role": "general"}


def test_a_pool_on_demand_alone_and_of_arm_says_so():
    pools = f"spare: {{types: [m7g.large], spot: false, role: general, {LIMITS}}}"
    plan = deploy(demo(SYSTEM % f"node_pools: {{{pools}}}"), "first", KINDS)
    pool = next(one.data for one in render(plan) if one.data.get("kind") == "NodePool")
    wanted = {r["key"]: r["values"] for r in pool["spec"]["template"]["spec"]["requirements"]}
    assert wanted["karpenter.sh/capacity-type"] == ["on-demand"]
    assert wanted["kubernetes.io/arch"] == ["arm64"]


@pytest.mark.parametrize(
    ("pools", "said"),
    [
        (
            f"node_pools: {{extra: {{types: [m5.large], {LIMITS}}}}}",
            "node pool extra have role 'extra', so it would never be asked for one; write `role: ",
        ),
        (
            f"node_pools: {{a: {{types: [m5.large, m7g.large], role: general, {LIMITS}}}}}",
            "node pool a has instance types of two architectures, and one image; make two pools",
        ),
        (
            "node_pools: {a: {types: [m5.large], role: general, limits: {cpu: 10}}}",
            "limits lacks 'memory'; add `memory: ...`",
        ),
        ("node_pools: {a: {types: [m5.large], role: general}}", "a lacks 'limits'"),
        (
            f"node_pools: {{a: {{types: [m5.large], role: general, empty: 0s, {LIMITS}}}}}",
            "empty is '0s'; write a finite duration greater than zero",
        ),
        (
            f"by: pulumi, node_pools: {{a: {{types: [m5.large], role: general, {LIMITS}}}}}",
            "`by: pulumi` makes no node_pools; remove it, or write `by: terraform`",
        ),
    ],
)
def test_a_pool_that_no_node_could_be_of_is_refused_where_it_stands(pools, said):
    [found] = refused(pools)
    assert said in found
    assert "tarmac.yaml:11:" in found
