"""What an autoscaler or a pipeline changes of a resource, Terraform leaves to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.released_charts import released_charts
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks
from tarmac.check.gates.views.terraform.resources import Resources, argument, resources_of

_AUTOSCALER, _GROUP = "cluster-autoscaler", "aws_autoscaling_group"
_TAG = re.compile(rf'"k8s\.io/{_AUTOSCALER}/enabled"\s*=\s*"?true')
_IGNORED = re.compile(r"\bignore_changes\s*=\s*(\[[^\]]*(?:\[\d+\][^\]]*)*\]|all)")


class NodeGroup(NamedTuple):
    """A group of nodes whose number an autoscaler may change."""

    kind: str
    #: The argument that fixes the number.
    key: str
    #: What says in the resource that it is scaled; None: a tag, or the autoscaler beside it.
    by: re.Pattern[str] | None
    #: The limits of the number: where they are equal, nothing is scaled.
    limits: tuple[str, str]
    #: A block around all of these, which may be left as a whole.
    holder: str = ""


_GROUPS = (
    NodeGroup("aws_eks_node_group", "desired_size", None, ("min_size", "max_size"),
              "scaling_config"),
    NodeGroup(_GROUP, "desired_capacity", None, ("min_size", "max_size")),
    NodeGroup("google_container_node_pool", "node_count",
           re.compile(r"^[ \t]*autoscaling\s*\{", re.MULTILINE),
           ("min_node_count", "max_node_count")),
    NodeGroup("azurerm_kubernetes_cluster_node_pool", "node_count",
           re.compile(r"\b(?:auto_scaling_enabled|enable_auto_scaling)\s*=\s*true"),
           ("min_count", "max_count")),
    NodeGroup("azurerm_kubernetes_cluster", "node_count",
           re.compile(r"\b(?:auto_scaling_enabled|enable_auto_scaling)\s*=\s*true"),
           ("min_count", "max_count"), "default_node_pool"),
)  # fmt: skip


class Delivery(NamedTuple):
    """An action that gives a service a new version, and what of Terraform has that service."""

    action: str
    kinds: tuple[str, ...]
    #: What it changes of the service.
    key: str


_DELIVERIES = (
    Delivery("aws-actions/amazon-ecs-deploy-task-definition", ("aws_ecs_service",),
             "task_definition"),
    Delivery("google-github-actions/deploy-cloudrun",
             ("google_cloud_run_service", "google_cloud_run_v2_service"), "template"),
)  # fmt: skip
_VARIABLE = re.compile(r"\$\{\{\s*env\.(\w+)\s*\}\}")
_TASK = re.compile(r"\baws_ecs_task_definition\.(\w+)\.")
_IMAGE = re.compile(r"\"?\bimage\"?\s*[=:]\s*\"([^\"\n]+)\"")
_TAGGED = re.compile(r".*:[\w.-]+|.*@sha256:\w+")


def check(files: Files) -> Iterator[Finding]:
    """Yield what each apply sets back, although something else has changed it."""
    of_charts = bool(list(released_charts(files, frozenset({_AUTOSCALER}))))
    delivered = {(about.action, service): where for where, service, about in _delivered(files)}
    for root in resources_of(files):
        is_scaled = of_charts or any(
            argument(one, "chart")[1].strip('"').endswith(_AUTOSCALER)
            for one in root.of("helm_release")
        )
        policies = _policies(root)
        for about in _GROUPS:
            for block in root.of(about.kind):
                yield from _scaled(about, block, policies, is_scaled)
        for given in _DELIVERIES:
            for block in (one for kind in given.kinds for one in root.of(kind)):
                service = argument(block, "name")[1].strip('"')
                if where := delivered.get((given.action, service)):
                    yield from _released(root, block, where, service, given.key)


def _scaled(
    about: NodeGroup, block: TerraformBlock, policies: Mapping[str, str], is_scaled: bool
) -> Iterator[Finding]:
    line, number = argument(block, about.key)
    low, high = (argument(block, key)[1] for key in about.limits)
    if not line or (low and low == high) or number in ("null", "0"):
        return
    if _leaves(block, about.key, about.holder):
        return
    if about.by is not None:
        by = "the autoscaler that it switches on" if about.by.search(block.text) else ""
    elif _TAG.search(block.text) or (is_scaled and about.kind == "aws_eks_node_group"):
        by = "the cluster autoscaler"
    else:
        by = policies.get(block.names[2], "") if about.kind == _GROUP else ""
    if by:
        what = f"{block.names[2]} fixes {about.key} = {number}, and {by} sets the same number: each"
        within = f"{about.holder}[0].{about.key}" if about.holder else about.key
        said = f"{what} apply sets it back, and ends what runs on the rest; write ignore_changes"
        yield Finding(f"{block.file}:{line}", f"{said} = [{within}]", warning=True)


def _policies(root: Resources) -> dict[str, str]:
    """Return the policies by which AWS scales groups, by the names of these."""
    named = re.compile(rf"\b{_GROUP}\.(\w+)\.")
    return {
        found[1]: f"the policy {one.names[2]}"
        for one in root.of("aws_autoscaling_policy")
        if (found := named.search(argument(one, "autoscaling_group_name")[1]))
    }


def _leaves(block: TerraformBlock, key: str, holder: str = "") -> bool:
    found = _IGNORED.search(block.text)
    words = set(re.findall(r"\w+", found[1])) if found else set()
    return bool(words & ({key, "all"} | ({holder} if key not in words and holder else set())))


def _released(
    root: Resources, block: TerraformBlock, where: str, service: str, key: str
) -> Iterator[Finding]:
    line, given = argument(block, key)
    holder: TerraformBlock | None = block
    if key == "task_definition":
        named = _TASK.search(given)
        holder = root.by_name.get(("aws_ecs_task_definition", named[1])) if named else None
    line = line or next((at for at, text in block.lines if text.strip().startswith(key)), 0)
    images = _IMAGE.findall(holder.text) if holder is not None else []
    is_fixed = bool(images) and all(_TAGGED.fullmatch(image) for image in images)
    if is_fixed and not _leaves(block, key):
        what = f"{where} gives the service {service} each new version, and {block.names[2]} has"
        said = f"{what} the image {images[0]}: the next apply puts that back; write ignore_changes"
        yield Finding(f"{block.file}:{line}", f"{said} = [{key}]", warning=True)


def _delivered(files: Files) -> Iterator[tuple[str, str, Delivery]]:
    """Yield the services that workflows give new versions, and where."""
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            known = {**fields(workflow.data, "env"), **fields(job.data, "env")}
            for number, step in enumerate(job.steps):
                for about in _DELIVERIES:
                    if step.uses.partition("@")[0] == about.action:
                        where = workflow.at("jobs", name, "steps", number)
                        if service := _filled(string(step.inputs, "service"), known):
                            yield where, service, about


def _filled(text: str, known: Mapping[str, object]) -> str:
    made = _VARIABLE.sub(lambda found: str(known.get(found[1], "${{")), text)
    return "" if "${{" in made else made


GATE = Gate(
    id="INF059",
    title="What others change of a resource is left to them",
    phase="infrastructure",
    source="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/"
    "eks_node_group: Ignoring Changes to Desired Size; google/latest/docs/resources/"
    "container_node_pool: node_count is not for pools with autoscaling",
    check=check,
    of_files=check,
    scope=counted_in_files("blocks of Terraform", blocks),
    targets=("cluster",),
    reads="numbers of nodes that an autoscaler changes by a tag, a policy or the resource itself, "
    "within one folder, and services of ECS and Cloud Run to which a workflow here gives versions "
    "by an action, where Terraform has an image with a tag of its own.",
)
