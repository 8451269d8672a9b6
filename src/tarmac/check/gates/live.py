"""What an environment's cluster has of a system, as `verify --target cluster` has read it.

Gates that observe judge it beside the tree; what reads it is `tarmac.check.verify.live`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class LiveDifference:
    """An object that is missing, differs from the rendered one, or is not rendered at all."""

    #: The rendered file; empty where nothing renders it.
    where: str
    #: `Deployment web`.
    title: str
    #: A line for each field that differs, what is there -> what is rendered.
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class LiveWorkload:
    """A workload, and what its pods say of it."""

    where: str
    title: str
    ready: bool
    #: `2 of 3 ready`.
    detail: str
    #: Why it is not ready.
    causes: tuple[str, ...] = ()
    #: A line for each container that was started again.
    restarts: tuple[str, ...] = ()


@dataclass(frozen=True)
class LiveContainer:
    """A container of a pod."""

    where: str
    pod: str
    name: str
    #: The image that the tree names, and the one that the pod names.
    rendered: str
    image: str
    #: What the pod's node made of that name: `sha256:...`; empty until it has it.
    digest: str = ""


@dataclass(frozen=True)
class LiveCertificate:
    """A certificate that an Ingress or a Gateway reads from a Secret."""

    where: str
    #: `Ingress web`.
    reader: str
    secret: str
    namespace: str
    #: The hosts that it is read for, and those that it is for.
    hosts: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    #: Its last day; None: there is none to be read.
    ends: date | None = None
    #: Why nothing is known of it.
    unread: str = ""


@dataclass(frozen=True)
class LiveSystem:
    """A system in a cluster, at one moment."""

    #: Of the kubeconfig.
    context: str = ""
    namespace: str = ""
    #: How many rendered objects were compared.
    compared: int = 0
    missing: tuple[LiveDifference, ...] = ()
    changed: tuple[LiveDifference, ...] = ()
    extra: tuple[LiveDifference, ...] = ()
    #: Kinds that the cluster does not have, each with how many objects that leaves out.
    left_out: tuple[tuple[str, int], ...] = ()
    workloads: tuple[LiveWorkload, ...] = ()
    containers: tuple[LiveContainer, ...] = ()
    certificates: tuple[LiveCertificate, ...] = ()
    #: Why it could not be looked at.
    unseen: str = ""
