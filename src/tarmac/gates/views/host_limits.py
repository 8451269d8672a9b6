"""What an ingress limits for a host: annotations of an Ingress, or patches of Istio's gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.subject import Files
from tarmac.gates.views.objects.metadata import metadata
from tarmac.gates.views.reading import dig, fields, items, mappings, text

#: Of the community's ingress-nginx, and of F5's controller of the same class.
BODY = ("nginx.ingress.kubernetes.io/proxy-body-size", "nginx.org/client-max-body-size")
RATE = ("nginx.ingress.kubernetes.io/limit-rps", "nginx.org/limit-req-rate")
RATE_FILTER = "LocalRateLimit"


@dataclass(frozen=True)
class HostLimits:
    """A host and port, or a host alone, and which limits an object has for it."""

    artifact: Artifact
    host: str
    body: bool
    rate: bool


def nginx_limits(files: Files) -> Iterator[HostLimits]:
    """Yield what Ingresses of the class nginx limit, host by host."""
    for artifact in files.objects("Ingress"):
        if text(artifact.data, "spec", "ingressClassName") == "nginx":
            notes = metadata(artifact).annotations
            body, rate = (any(_more_than_0(notes.get(n)) for n in names) for names in (BODY, RATE))
            for rule in items(artifact.data, "spec", "rules"):
                yield HostLimits(artifact, text(rule, "host") or "", body, rate)


def istio_limits(files: Files) -> Iterator[HostLimits]:
    """Yield what patches of Istio's gateway limit, by host and port, patch by patch."""
    for artifact in files.objects("EnvoyFilter"):
        for patch in mappings(dig(artifact.data, "spec", "configPatches")):
            host = dig(patch, "match", "routeConfiguration", "vhost", "name")
            value = dig(patch, "patch", "value")
            if isinstance(host, str):
                refuses = dig(value, "direct_response", "status") == 413
                yield HostLimits(artifact, host, refuses, _limits_rate(value))


def _more_than_0(value: Any) -> bool:
    return str(value or "").strip("0 r/s") != ""


def _limits_rate(value: Any) -> bool:
    """Tell whether a filter has a bucket for each address."""
    filters = fields(value, "typed_per_filter_config").values()
    return any(
        RATE_FILTER in str(dig(one, "@type")) and bool(dig(one, "descriptors")) for one in filters
    )
