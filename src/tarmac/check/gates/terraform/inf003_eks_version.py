"""A cluster's Kubernetes version is one that AWS supports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.base import versions
from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import settings

#: Where Terraform names it: of a module and in tfvars, of the resource.
VARIABLES = ("cluster_version", "kubernetes_version")
NAMES = {"module": VARIABLES, "resource": ("version",)}
_VERSION = re.compile(r"1\.\d+")


def check(files: Files) -> Iterator[Finding]:
    """Yield clusters whose version is past its support, or in extended support."""
    for where, written in _clusters(files):
        yield from _version(files, where, written)


def _version(files: Files, where: str, written: Any) -> Iterator[Finding]:
    text = str(written)
    known = published("eks")
    if not _VERSION.fullmatch(text):
        return
    first = min(known["versions"], key=_number)
    days = known["versions"].get(text)
    if days is None and _number(text) > _number(first):
        return  # newer than the list
    advice = f"go up one minor after the other, to {versions.read().default().version}"
    if days is None or days["extended"] < files.today:
        end = f" on {days['extended']}" if days else ""
        what = f"EKS {text} is gone: its extended support ended{end}, and AWS upgrades it by itself"
        # A page shows the version of its day.
        is_page = "docs" in where.split("/")
        yield Finding(where, f"{what}; {advice} ({known['source']})", warning=is_page)
    elif days["standard"] < files.today:
        what = (
            f"EKS {text} is in extended support, at six times the price, until {days['extended']}"
        )
        yield Finding(where, f"{what}; {advice} ({known['source']})", warning=True)


def _number(version: str) -> int:
    return int(version.partition(".")[2])


@once
def _clusters(files: Files) -> Iterator[tuple[str, Any]]:
    """Yield the version of each cluster, by its place."""
    told = set[str | None]()
    every = sorted(settings(files), key=lambda one: not one.file.endswith(".tfvars"))
    for setting in every:
        if setting.file.endswith(".tfvars") and setting.path[0] in VARIABLES:
            told.add(setting.value)
            yield setting.where, setting.value
            continue
        kind = setting.path[0]
        named = setting.name in NAMES.get(kind, ())
        cluster = kind == "module" or setting.path[1:2] == ("aws_eks_cluster",)
        is_whole = len(setting.path) == (3 if kind == "module" else 4)
        if named and cluster and is_whole and setting.value not in told - {None}:
            yield setting.where, setting.value
    yield from eksctl_versions(files)


def eksctl_versions(files: Files) -> Iterator[tuple[str, str | float | None]]:
    """Yield the Kubernetes version of each ClusterConfig, by its place; None: eksctl's default."""
    for artifact in files.artifacts:
        if artifact.data.get("kind") == "ClusterConfig":
            yield artifact.at("metadata", "version"), dig(artifact.data, "metadata", "version")


GATE = Gate(
    id="INF003",
    title="Every cluster runs a Kubernetes version that AWS supports",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html",
    check=check,
    scope=counted_in_files("clusters", _clusters),
    of_files=check,
    targets=("cluster",),
    reads="cluster_version and kubernetes_version of modules and in *.tfvars, version of "
    "aws_eks_cluster, and eksctl's ClusterConfig; by the dates of assets/published.yaml.",
)
