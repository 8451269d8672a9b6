"""What an apply makes is not needed before it: kinds by the plan, nodes by what runs on them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock
from tarmac.check.gates.views.terraform.resources import (
    REFERENCE,
    Resources,
    argument,
    resources_of,
)

#: The first of each in a manifest is the object's own; of HCL, and of YAML in it.
_GROUP = re.compile(r"^[ \t]*\"?apiVersion\"?[ \t]*[=:][ \t]*\"?([a-z0-9.-]+)/v\w+\"?[ \t]*$")
_KIND = re.compile(r"^[ \t]*\"?kind\"?[ \t]*[=:][ \t]*\"?(\w+)\"?[ \t]*$")
_DEFINED = re.compile(r"^[ \t]*\"?group\"?[ \t]*[=:][ \t]*\"?([a-z0-9.-]+)\"?[ \t]*$", re.MULTILINE)
_TAKEN = re.compile(r"^[ \t]*(count|for_each)[ \t]*=", re.MULTILINE)
_DEFINITION = "CustomResourceDefinition"
_NODES = ("aws_eks_node_group", "aws_eks_fargate_profile")


class Manifest(NamedTuple):
    """An object that Terraform's own provider applies."""

    root: Resources
    block: TerraformBlock
    line: int
    group: str
    kind: str


def check(files: Files) -> Iterator[Finding]:
    """Yield objects of kinds that the same apply brings, and nodes that wait for their add-ons."""
    for one in _manifests(files):
        # With a number of its own it may be left out of the first apply.
        if one.kind == _DEFINITION or _TAKEN.search(one.block.text):
            continue
        brought = next(_bringing(one), "")
        if brought:
            what = f"{one.block.names[2]} is a {one.kind} of {one.group}, and {brought} of the same"
            said = f"{what} apply brings that kind: kubernetes_manifest asks the cluster for it in"
            advice = "the plan, so the first one ends with an error, depends_on or not; write"
            end = "kubectl_manifest, or apply it from another folder"
            yield Finding(f"{one.block.file}:{one.line}", f"{said} {advice} {end}")
    for root in resources_of(files):
        yield from _waiting(root)


def _bringing(one: Manifest) -> Iterator[str]:
    """Yield what brings the kind of an object in its own folder."""
    for release in one.root.of("helm_release"):
        chart = argument(release, "chart")[1].strip('"').rpartition("/")[2]
        about = _charts().get(chart, {})
        switch, source = str(about.get("switch", "")), str(about.get("source", ""))
        is_of = one.group in about.get("groups", ()) and one.kind in about.get("kinds", [one.kind])
        if is_of and re.search(switch, release.text) and re.search(source, release.text):
            yield f"helm_release.{release.names[2]}"
    for other in one.root.of("kubernetes_manifest"):
        is_one = any(found[1] == _DEFINITION for found in _found(other, _KIND))
        if is_one and one.group in _DEFINED.findall(other.text):
            yield f"kubernetes_manifest.{other.names[2]}"


def _charts() -> Mapping[str, Mapping[str, Any]]:
    charts: Mapping[str, Mapping[str, Any]] = published("chart_kinds")["charts"]
    return charts


def _manifests(files: Files) -> Iterator[Manifest]:
    for root in resources_of(files):
        for block in root.of("kubernetes_manifest"):
            group, kind = next(_found(block, _GROUP), None), next(_found(block, _KIND), None)
            if group and kind:
                yield Manifest(root, block, kind[0], group[1], kind[1])


def _found(block: TerraformBlock, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    for line, text in block.lines:
        if match := pattern.match(text):
            yield line, match[1]


def _waiting(root: Resources) -> Iterator[Finding]:
    """Yield add-ons that need nodes and that all nodes wait for."""
    nodes = [block for kind in _NODES for block in root.of(kind)]
    for addon in root.of("aws_eks_addon") if nodes else ():
        line, name = argument(addon, "addon_name")
        is_on_nodes = name.strip('"') in published("eks_addons")["deployments"]
        if is_on_nodes and all(addon.names[1:3] in _needed(root, node) for node in nodes):
            what = f"{addon.names[2]} is the add-on {name.strip(chr(34))}, which runs on nodes, and"
            said = f"{what} {nodes[0].names[2]} is made after it: it waits for nodes until the"
            advice = "apply gives up; take it out of what the nodes depend on"
            yield Finding(f"{addon.file}:{line}", f"{said} {advice}")


def _needed(root: Resources, block: TerraformBlock) -> set[tuple[str, ...]]:
    """List the resources that one needs, at any distance."""
    needed, todo = set[tuple[str, ...]](), [block]
    while todo:
        for name in set(REFERENCE.findall(todo.pop().text)) - needed:
            needed.add(name)
            if (other := root.by_name.get(name)) is not None:
                todo.append(other)
    return needed


def _judged(files: Files) -> Iterator[object]:
    yield from _manifests(files)
    for root in resources_of(files):
        yield from root.of("aws_eks_addon")


GATE = Gate(
    id="INF068",
    title="What an apply makes is not needed before it is there",
    phase="infrastructure",
    source="https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs/resources/"
    "manifest: the plan asks the API server for the kind; https://docs.aws.amazon.com/eks/latest/"
    "userguide/eks-add-ons.html: add-ons run on the nodes of the cluster",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("manifests and add-ons", _judged),
    targets=(),
    reads="kubernetes_manifest beside helm_release of the charts in `chart_kinds` of "
    "assets/published.yaml and definitions in the same folder; aws_eks_addon that nodes depend on. "
    "Judges files without a plan only.",
)
