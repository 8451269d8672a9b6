"""NetworkPolicies: the pods that they select, and the rules for each direction."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, number, port, text
from tarmac.check.gates.views.objects.metadata import metadata


class PolicyPort(NamedTuple):
    """A port, or a range of them, that a rule opens."""

    #: By number or name; None: all.
    first: int | str | None
    #: The end of a range.
    last: int | None
    protocol: str


class PolicyRule(NamedTuple):
    """What one rule allows."""

    #: None are listed: all.
    peers: tuple[Fields, ...]
    #: None are listed: all.
    ports: tuple[PolicyPort, ...]


class NetworkPolicy:
    """One NetworkPolicy."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def spec(self) -> Fields:
        """What it says."""
        return fields(self.artifact.data, "spec")

    @property
    def namespace(self) -> str | None:
        """The namespace of the pods that it selects."""
        return metadata(self.artifact).namespace

    @property
    def selector(self) -> Fields:
        """Which pods it isolates."""
        return fields(self.spec, "podSelector")

    @property
    def names_egress(self) -> bool:
        """Whether it has a list of rules for egress."""
        return "egress" in self.spec

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The directions that it limits."""
        written = items(self.spec, "policyTypes")
        return written or ("Ingress", *(("Egress",) if self.names_egress else ()))

    @cached_property
    def ingress(self) -> tuple[PolicyRule, ...]:
        """What may connect to its pods."""
        return tuple(_rule(rule, "from") for rule in items(self.spec, "ingress"))

    @cached_property
    def egress(self) -> tuple[PolicyRule, ...]:
        """What its pods may connect to."""
        return tuple(_rule(rule, "to") for rule in items(self.spec, "egress"))


def _rule(data: Fields, peers: str) -> PolicyRule:
    return PolicyRule(items(data, peers), tuple(map(_port, items(data, "ports"))))


def _port(data: Fields) -> PolicyPort:
    protocol = text(data, "protocol")
    first, last = port(data, "port"), number(data, "endPort")
    return PolicyPort(first, last, "TCP" if protocol is None else protocol)
