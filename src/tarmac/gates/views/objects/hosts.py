"""The hosts whose requests an object routes, whatever its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.artifact import Artifact
from tarmac.gates.views.objects.metadata import kind_of
from tarmac.gates.views.reading import fields, mappings, texts


def routed_hosts(artifact: Artifact, namespace: str) -> set[str]:
    """Find the hosts whose requests an object routes, those of Services by their short names."""
    return {_short(host, namespace) for host in _hosts(artifact)}


def _hosts(artifact: Artifact) -> Iterator[str]:
    spec = fields(artifact.data, "spec")
    match kind_of(artifact):
        case "VirtualService":
            yield from texts(spec.get("hosts"))
        case "DestinationRule":
            yield from texts(spec.get("host"))
        case "HTTPRoute":
            yield from texts(spec.get("hostnames"))
            for parent in mappings(spec.get("parentRefs")):
                if parent.get("kind") == "Service":
                    yield from texts(parent.get("name"))
        case "Ingress":
            for rule in mappings(spec.get("rules")):
                yield from texts(rule.get("host", ""))


def _short(host: str, namespace: str) -> str:
    """Take a Service's long name for its short one; of any namespace where none is known."""
    end = rf"\.{re.escape(namespace)}(\.svc(\..+)?)?$" if namespace else r"\.[^.]+\.svc(\..+)?$"
    return re.sub(end, "", host)
