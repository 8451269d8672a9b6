"""The declared calls between services that take part in caller tokens, beside the tree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import metadata, named
from tarmac.check.gates.views.objects.stored_data import ConfigMap
from tarmac.check.gates.views.pods.pods import Pods
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.plan.callers import checks, takes_part

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload


@dataclass(frozen=True)
class CallerEdges:
    """What the model declares beside what the tree holds."""

    subject: Subject

    @cached_property
    def calls(self) -> frozenset[tuple[str, str]]:
        """The declared calls of which both ends take part."""
        return frozenset(
            (edge.source, edge.target)
            for edge in self.subject.plan.allowed
            if edge.target_role == "service" and edge.source in self._taking_part
            if edge.target in self._taking_part
        )

    def callers(self, service: str) -> set[str]:
        """Name the services that are declared to call a service."""
        return {source for source, target in self.calls if target == service}

    def callees(self, service: str) -> set[str]:
        """Name the services that a service is declared to call."""
        return {target for source, target in self.calls if source == service}

    @cached_property
    def _taking_part(self) -> frozenset[str]:
        system = self.subject.system
        return frozenset(name for name in system.file.services if takes_part(system, name))

    @cached_property
    def keeping(self) -> dict[str, Pods]:
        """Find the pods that are kept running, by their workload."""
        return running(self.subject)

    @cached_property
    def configs(self) -> dict[str, ConfigMap]:
        """Find the ConfigMaps by their names."""
        found = named(self.subject, "ConfigMap")
        return {name: ConfigMap(artifact) for name, artifact in found.items()}

    def verifying(self) -> list[Workload]:
        """List the services that must verify their callers."""
        listening = (workload for workload in self.subject.plan.services if workload.ports)
        return [workload for workload in listening if checks(self.subject.system, workload.name)]

    def identity(self, service: str) -> str:
        """Name a service as the tokens of its pods do."""
        own = self.keeping.get(service)
        account = service
        if own:
            account = "default" if own.spec.account is None else own.spec.account
        space = metadata(own.artifact).namespace if own else None
        return f"system:serviceaccount:{space or self.subject.plan.namespace}:{account}"
