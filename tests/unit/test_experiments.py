"""Drills as experiments of chaos tools: they select what is rendered, as their tools take it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator
from experiments_of import Object, exported, steps_of, write_drill
from rendered import ROOT, TYPICAL, artifacts_of, plan_of, system_of

from tarmac.base import registry
from tarmac.base.errors import BadInput
from tarmac.check.schemas import check, lock
from tarmac.drill import experiments
from tarmac.drill.experiments import chaos_mesh, export, fis, litmus
from tarmac.drill.file import drill_file

TOOLS = registry.load(experiments, "TOOL")
IN_CLUSTER = (chaos_mesh, litmus)


@pytest.fixture
def write(tmp_path):
    """Write a drill of these steps."""

    def write(*steps: str, objectives: str = "all") -> Path:
        return write_drill(tmp_path / "all-at-once.yaml", steps, objectives)

    return write


def pods(system: str, environment: str) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Yield kind, namespace and labels of the pods of each workload that is rendered."""
    for artifact in artifacts_of(system, environment):
        if artifact.is_object and artifact.data["kind"] in ("Deployment", "StatefulSet", "Rollout"):
            labels = artifact.data["spec"]["template"]["metadata"]["labels"]
            yield artifact.data["kind"].lower(), artifact.data["metadata"]["namespace"], labels


def selects_one(namespace: str, labels: Mapping[str, str]) -> str:
    """Return the kind of the one workload whose pods these labels select."""
    (kind,) = (
        kind
        for kind, where, held in pods("shop", "kind")
        if where == namespace and labels.items() <= held.items()
    )
    return kind


def test_each_tool_is_known_by_its_id():
    assert list(TOOLS) == ["chaos-mesh", "fis", "litmus"]
    with pytest.raises(BadInput, match=r"--export: no tool 'litmos'; did you mean 'litmus'\?"):
        export.tool_named("litmos")


def test_chaos_mesh_selects_pods_that_are_rendered(write):
    found = exported("chaos-mesh", write(*steps_of(chaos_mesh.WRITERS)))
    assert {one["kind"] for one in found} == {
        "PodChaos",
        "NetworkChaos",
        "HTTPChaos",
        "StressChaos",
        "TimeChaos",
    }
    assert len({one["metadata"]["name"] for one in found}) == len(found)
    for one in found:
        selected = [one["spec"]["selector"]]
        if isinstance(one["spec"].get("target"), dict):
            selected.append(one["spec"]["target"]["selector"])
        for by in selected:
            if by["namespaces"] != [plan_of("shop", "kind").settings.ingress.namespace]:
                assert selects_one(*by["namespaces"], by["labelSelectors"])


def test_chaos_mesh_gets_what_each_step_says(write):
    def spec(step: str) -> Object:
        return exported("chaos-mesh", write(step))[0]["spec"]

    latency = spec("fault: latency, on: order-service -> orders-db, delay: 50ms, for: 8s")
    assert (latency["delay"]["latency"], latency["duration"]) == ("50000us", "8000ms")
    assert spec("fault: kill, on: order-service")["gracePeriod"] == 0
    directions = {"sent": "to", "received": "from", "both": "both"}
    for said, direction in directions.items():
        step = f"fault: partition, on: order-service -> orders-db, direction: {said}"
        assert spec(step)["direction"] == direction
    # Of a limit of 500m and 512Mi in that environment.
    burnt = spec("fault: cpu-limit, on: order-service, cpus: 0.1")["stressors"]["cpu"]
    assert burnt == {"workers": 1, "load": 40}
    used = spec("fault: memory-limit, on: order-service, limit: 64Mi")["stressors"]["memory"]
    assert used == {"workers": 1, "size": f"{(512 - 64) << 20}B"}
    assert spec("fault: clock-skew, on: order-service, skew: -10m")["timeOffset"] == "-600s"


REPEATED = "fault: kill, on: order-service, signal: TERM, share: 50, every: 10s, for: 30s"


def engines(path: Path, **options: str) -> tuple[list[Object], list[Object]]:
    """Write a drill for Litmus; give what lets its probes in, and its engines."""
    found = exported("litmus", path, **options)
    kinds = [one["kind"] for one in found]
    number = kinds.count("NetworkPolicy")
    assert kinds == ["NetworkPolicy"] * number + ["ChaosEngine"] * (len(found) - number)
    return found[:number], found[number:]


def test_litmus_deletes_the_share_of_pods_each_period_for_the_duration(write):
    def env(step: str) -> Object:
        _, (engine,) = engines(write(step))
        (experiment,) = engine["spec"]["experiments"]
        assert experiment["name"] == "pod-delete"
        return {one["name"]: one["value"] for one in experiment["spec"]["components"]["env"]}

    assert env(REPEATED) == {
        "TOTAL_CHAOS_DURATION": "30",
        "CHAOS_INTERVAL": "10",
        "PODS_AFFECTED_PERC": "50",
        "FORCE": "false",
    }
    once = env("fault: kill, on: order-service")
    assert once["TOTAL_CHAOS_DURATION"] == once["CHAOS_INTERVAL"]
    assert (once["PODS_AFFECTED_PERC"], once["FORCE"]) == ("100", "true")


def test_chaos_mesh_kills_the_share_of_pods_each_period_until_the_deadline(write):
    (workflow,) = exported("chaos-mesh", write(REPEATED))
    assert workflow["kind"] == "Workflow"
    (template,) = workflow["spec"]["templates"]
    assert workflow["spec"]["entry"] == template["name"]
    assert template["deadline"] == "30s"
    assert template["schedule"]["schedule"] == "@every 10s"
    killed = template["schedule"]["podChaos"]
    assert (killed["action"], killed["mode"], killed["value"]) == (
        *("pod-kill", "fixed-percent", "50"),
    )
    assert selects_one(*killed["selector"]["namespaces"], killed["selector"]["labelSelectors"])
    (once,) = exported("chaos-mesh", write("fault: kill, on: order-service, share: 50"))
    assert (once["kind"], once["spec"]["mode"], once["spec"]["value"]) == (
        *("PodChaos", "fixed-percent", "50"),
    )


def test_every_edge_to_what_a_step_names_is_an_object(write):
    found = exported("chaos-mesh", write("fault: latency, on: product-service, delay: 1s"))
    callers = {one["spec"]["selector"]["labelSelectors"]["app.kubernetes.io/name"] for one in found}
    assert callers == {"api-gateway", "order-service"}


def test_chaos_mesh_takes_what_is_written(write):
    schemas = check.load(lock.read())
    zone = "fault: outage, on: zone-b"
    found = exported("chaos-mesh", write(*steps_of(chaos_mesh.WRITERS)))
    found += exported("chaos-mesh", write(zone), environment="production")
    found += exported("chaos-mesh", write(REPEATED))
    probed = ROOT / "systems/shop/drills/orders-pod-kill.yaml"
    found += exported("chaos-mesh", probed, environment="production")
    for one in found:
        assert list(schemas.problems(one)) == []
        key = "templates" if one["kind"] == "Workflow" else "mode"
        spoilt = {**one, "spec": {**one["spec"], key: "every"}}
        assert list(schemas.problems(spoilt))


def test_litmus_selects_pods_that_are_rendered_and_asks_whether_the_gateway_is_available(write):
    ways, found = engines(write(*steps_of(litmus.WRITERS)))
    # Its own pods are not restricted; a system's have to be, and nobody else is let in to them.
    assert {one["metadata"]["namespace"] for one in found} == {"litmus"}
    (way,) = (one for one in ways if one["metadata"]["name"].endswith("-api-gateway"))
    assert way["metadata"]["namespace"] == "shop"
    (rule,) = way["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 3000}]
    assert rule["from"][0]["namespaceSelector"]["matchLabels"].popitem()[1] == "litmus"
    for one in found:
        info = one["spec"]["appinfo"]
        name, _, value = info["applabel"].partition("=")
        assert selects_one(info["appns"], {name: value}) == info["appkind"]
        ((experiment,),) = (one["spec"]["experiments"],)
        assert all(
            isinstance(variable["value"], str)
            for variable in experiment["spec"]["components"]["env"]
        )
        probes = {probe["name"]: probe for probe in experiment["spec"]["probe"]}
        gateway = probes["check-api-gateway-availability"]
        assert gateway["mode"] == "Continuous"
        assert gateway["httpProbe/inputs"]["url"] == (
            "http://api-gateway.shop.svc.cluster.local:3000/health/ready"
        )


def test_a_killed_pod_of_the_starter_is_an_engine_too(write):
    ways, (engine,) = engines(write("fault: kill, on: order-service"), system="starter")
    assert engine["metadata"]["name"] == "starter-all-at-once-1"
    assert engine["spec"]["appinfo"]["appns"] == "starter"
    assert len(ways) == len(engine["spec"]["experiments"][0]["spec"]["probe"]) == 2


def fis_problems(template: Object) -> str:
    """Say what AWS' own model of its API finds wrong."""
    model = botocore.session.get_session().get_service_model("fis")
    shape = model.operation_model("CreateExperimentTemplate").input_shape
    # The command line gives this one itself.
    report = ParamValidator().validate({**template, "clientToken": "a"}, shape)
    return report.generate_report()


def test_fis_takes_a_zone_away_until_an_alarm_of_an_objective_stops_it():
    path = ROOT / "systems/shop/drills/zone-lost.yaml"
    (template,) = exported("fis", path, environment="production")
    assert fis_problems(template) == ""
    assert fis_problems({**template, "stopConditions": [{"value": "x"}]})
    targets = template["targets"]
    for name, kind in (("nodes", "instance"), ("subnets", "subnet")):
        assert targets[name]["resourceType"] == f"aws:ec2:{kind}"
        wanted = {"Project": "ecommerce", "Environment": "production"}
        assert targets[name]["resourceTags"] == wanted
        assert ["us-east-1b"] in [one["values"] for one in targets[name]["filters"]]
    assert {
        one for action in template["actions"].values() for one in action["targets"].values()
    } == set(targets)
    alarm = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:ecommerce-prod-api_availability"
    assert template["stopConditions"] == [{"source": "aws:cloudwatch:alarm", "value": alarm}]


@pytest.mark.parametrize(
    ("tool", "environment", "steps", "said"),
    [
        (
            "chaos-mesh",
            "production",
            ["fault: kill, on: orders-db", "fault: pause, on: cache", "fault: kill, on: carte"],
            [
                "6:5: 'orders-db' has no pods: production has it on a managed server",
                "7:5: chaos-mesh has no fault like pause; remove the step, or drill here",
                "8:5: 'carte' is not a workload of production; choose one of: api-",
            ],
        ),
        (
            "chaos-mesh",
            "kind",
            ["fault: outage, on: zone-b", "fault: http-error, on: broker, percent: 5"],
            [
                "6:5: kind has no zone-b (1 zones in no region)",
                "7:5: chaos-mesh replaces all answers, and not 5 %",
            ],
        ),
        (
            "litmus",
            "production",
            ["fault: kill, on: zone-b", "fault: cpu-limit, on: order-service, cpus: 3"],
            [
                "6:5: litmus has no fault for a whole zone (zone-b); export it to fis",
                "7:5: 'order-service' has 0.5 CPUs at most, so 3 is not a reduction",
            ],
        ),
        ("fis", "kind", ["fault: kill, on: cart"], ["6:5: fis has no fault like kill; "]),
    ],
)
def test_every_step_without_a_counterpart_is_reported_with_its_place(
    write, tool, environment, steps, said
):
    with pytest.raises(BadInput) as found:
        exported(tool, write(*steps), environment=environment)
    problems = [
        f"{p.where.rpartition('all-at-once.yaml:')[2]}: {p.what}" for p in found.value.problems
    ]
    assert len(problems) == len(said)
    for problem, begins in zip(problems, said, strict=True):
        assert problem.startswith(begins)


def test_an_experiment_that_nothing_would_stop_is_not_written(write):
    with pytest.raises(BadInput, match="no condition would stop the experiment; name `objectives`"):
        exported(
            "fis", write("fault: outage, on: zone-b", objectives="[]"), environment="production"
        )


@pytest.mark.parametrize("tool", [tool.TOOL.id for tool in IN_CLUSTER])
@pytest.mark.parametrize(("system", "environment"), TYPICAL)
def test_the_drills_that_are_shipped_are_written_or_refused_by_their_steps(
    tool, system, environment
):
    for path in sorted((ROOT / "systems" / system / "drills").glob("*.yaml")):
        found, problems = [], []
        try:
            found = exported(tool, path, system, environment)
        except BadInput as error:
            problems = error.problems
        assert all(problem.where.startswith(str(path)) for problem in problems)
        here = {plan_of(system, environment).namespace, "litmus" if tool == "litmus" else ""}
        assert {one["metadata"]["namespace"] for one in found} <= here
        assert bool(found) != bool(problems)


def test_what_is_for_no_cluster_has_no_experiments(write):
    with pytest.raises(BadInput, match="compose is for compose; name one of a cluster"):
        exported("litmus", write("fault: kill, on: cart"), environment="compose")


def test_a_template_is_what_its_command_reads():
    path = ROOT / "systems/shop/drills/zone-lost.yaml"
    drill = drill_file.load(path, system_of("shop"))
    assert json.loads(export.export(fis.TOOL, path, drill, plan_of("shop", "production")))
