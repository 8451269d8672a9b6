"""ORG001: a Deployment says which team pays for it."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.extend import Files, Finding, Gate, Scope

LABEL = "cost-centre"


KINDS = ("Deployment", "StatefulSet")


def count(files: Files) -> int:
    """Count what there is to judge: with none of it the gate is not applicable."""
    return len(files.objects(*KINDS))


def check(files: Files) -> Iterator[Finding]:
    """Yield each workload without the label."""
    for artifact in files.objects(*KINDS):
        metadata = artifact.data.get("metadata") or {}
        if LABEL not in (metadata.get("labels") or {}):
            name = metadata.get("name", "?")
            yield Finding(
                artifact.at("metadata"),
                f"{artifact.data['kind']} {name} has no label `{LABEL}`; add it",
            )


GATE = Gate(
    id="ORG001",
    title="Every workload names the cost centre that pays for it",
    phase="finops",
    source="the rule of one's own organisation",
    check=check,
    of_files=check,
    scope=Scope("workloads", count, count),
    reads="labels of Deployments and StatefulSets",
)
