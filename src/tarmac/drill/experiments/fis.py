"""AWS FIS: the template of an experiment that takes a zone away, for `create-experiment-template`.

It stops the nodes of the zone, cuts its subnets off and has Aurora's clusters fail over; alarms
stop it: one for each objective of the drill's hypothesis, by the objective's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from tarmac.catalog.faults.fault import Step
from tarmac.drill.experiments.experiment import (
    ClusterDrill,
    Experiment,
    NoCounterpart,
    Tool,
    no_counterpart,
)
from tarmac.plan.alarms import alarms
from tarmac.plan.cluster import ClusterPlan

#: The registry says which account it is.
ACCOUNT = re.compile(r"^(\d{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com\b")
#: FIS accepts no shorter action.
SHORTEST_S = 60
AURORA = "aurora"


def experiments(drill: ClusterDrill, _: int, step: Step) -> Sequence[Experiment]:
    """Return what an outage of a zone is there."""
    if step.fault != "outage" or not drill.zone(step.on):
        raise no_counterpart("fis", step)
    if len(drill.file.method) > 1:
        raise NoCounterpart(
            "fis exports one zone outage per experiment; write a drill with that step only"
        )
    plan = drill.plan
    if plan.settings.cloud != "aws":
        raise NoCounterpart(f"fis needs AWS, but {plan.environment} is elsewhere")
    account = ACCOUNT.match(plan.settings.registry or "")
    if account is None:
        what = f"the account of {plan.environment} is not known"
        raise NoCounterpart(f"{what}; give it a `registry` of ECR")
    return [_template(drill, step, drill.zone(step.on), account[1])]


def _template(drill: ClusterDrill, step: Step, zone: str, account: str) -> dict[str, Any]:
    plan = drill.plan
    lasts = f"PT{max(SHORTEST_S, round(step.for_))}S"
    tags = _tags(plan)
    targets: dict[str, Any] = {
        "nodes": {
            "resourceType": "aws:ec2:instance",
            "resourceTags": tags,
            "filters": [
                {"path": "Placement.AvailabilityZone", "values": [zone]},
                {"path": "State.Name", "values": ["running"]},
            ],
            "selectionMode": "ALL",
        },
        "subnets": {
            "resourceType": "aws:ec2:subnet",
            "resourceTags": tags,
            "filters": [{"path": "AvailabilityZone", "values": [zone]}],
            "selectionMode": "ALL",
        },
    }
    actions: dict[str, Any] = {
        "stop-nodes": {
            "actionId": "aws:ec2:stop-instances",
            "parameters": {
                "startInstancesAfterDuration": lasts,
                # A group of nodes replaces what is stopped.
                "completeIfInstancesTerminated": "true",
            },
            "targets": {"Instances": "nodes"},
        },
        "cut-off": {
            "actionId": "aws:network:disrupt-connectivity",
            "parameters": {"duration": lasts, "scope": "all"},
            "targets": {"Subnets": "subnets"},
        },
    }
    if plan.settings.servers.get(AURORA):
        targets["databases"] = {
            "resourceType": "aws:rds:cluster",
            "resourceTags": tags,
            "selectionMode": "ALL",
        }
        actions["fail-over"] = {
            "actionId": "aws:rds:failover-db-cluster",
            "targets": {"Clusters": "databases"},
        }
    return {
        "description": f"{drill.file.title} ({zone})",
        "roleArn": f"arn:aws:iam::{account}:role/{plan.namespace}-fis",
        "tags": {**tags, "Name": drill.name},
        "targets": targets,
        "actions": actions,
        "stopConditions": [
            {"source": "aws:cloudwatch:alarm", "value": alarm} for alarm in _alarms(drill, account)
        ],
        "experimentOptions": {"emptyTargetResolutionMode": "fail"},
    }


def _tags(plan: ClusterPlan) -> dict[str, str]:
    """Return the tags of what runs there: those of the rendered Terraform, where there is some."""
    if plan.cloud is not None:
        return {"Project": plan.cloud.project, "Environment": plan.environment}
    return {"system": plan.system, "environment": plan.environment}


def _alarms(drill: ClusterDrill, account: str) -> list[str]:
    """Name the alarm of each objective of the hypothesis. Raises NoCounterpart without any."""
    plan, wanted = drill.plan, drill.file.hypothesis.objective_names
    known = alarms(plan.objectives, plan.namespace)
    names = [one.name for one in known if wanted is None or one.objective in wanted]
    if not names:
        raise NoCounterpart(
            "no condition would stop the experiment; name `objectives` in the hypothesis"
        )
    arn = f"arn:aws:cloudwatch:{plan.settings.region}:{account}:alarm"
    return [f"{arn}:{name}" for name in dict.fromkeys(names)]


def _text(_: ClusterDrill, made: Sequence[tuple[Step, Experiment]]) -> str:
    ((_step, template),) = made
    return json.dumps(template, indent=2) + "\n"


TOOL = Tool(
    id="fis",
    title="AWS FIS: a template for the loss of a zone",
    experiments=experiments,
    text=_text,
)
