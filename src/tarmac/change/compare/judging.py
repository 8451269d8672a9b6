"""Which function judges which kind of fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tarmac.change.compare import judging_system as system
from tarmac.change.compare import judging_workloads as workloads
from tarmac.change.compare.change import RiskAssessment
from tarmac.change.compare.facts import ComparedFact
from tarmac.change.compare.judging_cloud import cloud, permission

#: By `Key.what`, in the order in which a reader meets them within one risk.
JUDGES: Mapping[str, Callable[[ComparedFact], RiskAssessment]] = {
    "route": workloads.route,
    "edge": workloads.edge,
    "egress": workloads.egress,
    "external": workloads.external,
    "service": workloads.service,
    "store": system.store,
    "managed port": system.managed_port,
    "cloud": cloud,
    "permission": permission,
    "volume": workloads.volume,
    "scale": workloads.scale,
    "probe": workloads.probe,
    "user": workloads.user,
    "setting": system.setting,
    "ingress": system.ingress,
    "quota": system.quota,
    "resources": workloads.resources,
    "port": workloads.port,
    "command": workloads.command,
    "hook": workloads.hook,
    "source": workloads.source,
    "task": workloads.task,
    "schedule": workloads.schedule,
    "topic": system.topic,
    "call": system.call,
    "objective": system.objective,
    "shutdown": workloads.shutdown,
    "metrics": workloads.metrics,
    "variable": workloads.variable,
    "file": workloads.file,
    "image": workloads.image,
    "other": system.other,
}
