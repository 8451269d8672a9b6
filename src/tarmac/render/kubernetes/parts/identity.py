"""The objects that every workload has of its own: its identity, its address, its settings."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts import configs
from tarmac.render.kubernetes.parts.metadata import an_object, selector

#: By it EKS gives the pods of an account a role.
ROLE = "eks.amazonaws.com/role-arn"
NO_ACCOUNT = ("ACCOUNT: the number of the account; the registry's name has none.",)


def service(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Make a workload's address: the name that others' variables hold, on the same ports."""
    # A mesh guesses what is spoken from a client's first bytes, and a database's client waits for
    # the server's.
    plain = {} if workload.role == "service" else {"appProtocol": "tcp"}
    listening = [
        {"name": name, "port": number, "targetPort": number, "protocol": "TCP", **plain}
        for name, number in workload.ports.items()
    ]
    spec = {"type": "ClusterIP", "selector": selector(workload.name), "ports": listening}
    return an_object(plan, "v1", "Service", workload.name, {"spec": spec}, of=workload)


def revisions(plan: ClusterPlan, workload: Workload) -> Iterator[Artifact]:
    """Make the addresses of the two revisions of a Rollout, which adds the pods of each."""
    whole = service(plan, workload).data["spec"]
    for name in (stable(workload.name), canary(workload.name)):
        yield an_object(plan, "v1", "Service", name, {"spec": whole}, of=workload, role="revision")


def stable(name: str) -> str:
    """Name the Service of the revision that all had before."""
    return f"{name}-stable"


def canary(name: str) -> str:
    """Name the Service of the revision that is tried."""
    return f"{name}-canary"


def account(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Make a workload's identity, to which nothing is granted in the cluster.

    Where it needs something in AWS it names the role whose trust is in this account alone.
    """
    body, role = {"automountServiceAccountToken": False}, plan.roles.get(workload.name)
    return an_object(
        plan,
        "v1",
        "ServiceAccount",
        workload.name,
        body,
        of=workload,
        annotations={ROLE: role.arn} if role else {},
        notes=NO_ACCOUNT if role and "::ACCOUNT:" in role.arn else (),
    )


def settings(plan: ClusterPlan, workload: Workload) -> Iterator[Artifact]:
    """Make the ConfigMaps of every variable and every file that holds no secret."""
    held = {
        configs.config_name(workload.name): configs.config_of(workload),
        configs.files_name(workload.name): configs.files_of(workload),
    }
    for name, data in held.items():
        if data:
            yield an_object(plan, "v1", "ConfigMap", name, {"data": data}, of=workload)
