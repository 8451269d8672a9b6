"""Entrances agree with what comes through them: listeners, hosts, certificates and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, fields, items, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, name_of, space_of, title
from tarmac.check.gates.views.scope import counted_in_files

Fault = tuple[Path, str]
API = "gateway.networking.k8s.io"
_NGINX = "nginx.ingress.kubernetes.io/"
#: What only a pattern has, and no path of a request.
_PATTERN = re.compile(r"\(.*\)|\.[*+]|\[[^\]]+\][*+]?|\*$|\$$|\\")
_AS_PATTERN = ("use-regex", "rewrite-target")
#: Below this many bytes no body of a request is taken.
_SMALLEST_BODY = 1024


def check(files: Files) -> Iterator[Finding]:
    """Yield hosts without a certificate or a listener, and listeners that cannot answer."""
    gateways: dict[tuple[str, str], list[Artifact]] = {}
    for one in files.objects("Gateway"):
        if group_of(one) == API:
            gateways.setdefault((name_of(one), space_of(one)), []).append(one)
    for artifact in _entrances(files):
        kind = artifact.data["kind"]
        if kind == "Ingress":
            found = ingress_faults(artifact)
        elif kind == "Gateway":
            found = gateway_faults(artifact)
        else:
            found = route_faults(gateways, artifact)
        for path, what in found:
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


def _entrances(files: Files) -> list[Artifact]:
    of_gateways = [one for one in files.objects("Gateway", "HTTPRoute") if group_of(one) == API]
    return [*files.objects("Ingress"), *of_gateways]


def ingress_faults(artifact: Artifact) -> Iterator[Fault]:
    """Yield hosts of an Ingress without a certificate, and certificates without a rule."""
    spec, rules = ("spec",), items(artifact.data, "spec", "rules")
    hosts = [str(text(rule, "host") or "") for rule in rules]
    covered = [
        str(host) for tls in items(artifact.data, *spec, "tls") for host in items(tls, "hosts")
    ]
    noted = fields(artifact.data, "metadata", "annotations")
    for number, rule in enumerate(rules):
        for place, way in enumerate(items(rule, "http", "paths")):
            taken, kind = str(text(way, "path") or ""), str(text(way, "pathType") or "")
            if kind in ("Prefix", "Exact") and _PATTERN.search(taken):
                # Older ones of nginx take it as a pattern by these annotations, whatever its type.
                is_asked = any(_NGINX in str(key) and key.endswith(_AS_PATTERN) for key in noted)
                why = "its controller refuses it" if is_asked else "it matches no request"
                what = f"has the path {taken} of the type {kind}, which is for plain paths: {why}"
                at: Path = ("spec", "rules", number, "http", "paths", place, "pathType")
                yield at, f"{what}; write ImplementationSpecific"
    for number, host in enumerate(hosts):
        path: Path = ("spec", "rules", number, "host")
        if host == "*":
            yield (
                path,
                "has the host *, which the API server rejects; remove `host` to match every host",
            )
        elif covered and host and not _covers(covered, host):
            what = f"has the host {host}, which its `tls` does not: it is served by the "
            yield path, f"{what}controller's own certificate; add it"
        elif covered and not host:
            yield path, "has a rule for every host, but certificates for some only; write `host`"
    for number, tls in enumerate(items(artifact.data, *spec, "tls")):
        for place, host in enumerate(items(tls, "hosts")):
            if hosts and "" not in hosts and not any(_covers([str(host)], one) for one in hosts):
                what = f"has a certificate of {host}, for which it has no rule"
                yield (
                    ("spec", "tls", number, "hosts", place),
                    f"{what}; {did_you_mean(host, hosts)}",
                )
    yield from _annotations(artifact, has_tls=bool(covered))


def _annotations(artifact: Artifact, *, has_tls: bool) -> Iterator[Fault]:
    noted = fields(artifact.data, "metadata", "annotations")
    own = {str(k).removeprefix(_NGINX): str(v) for k, v in noted.items() if _NGINX in str(k)}
    for key, value in own.items():
        path: Path = ("metadata", "annotations", f"{_NGINX}{key}")
        if key.startswith("limit-") and not key.endswith(("whitelist", "after")):
            if not value.isdecimal() or int(value) < 1:
                yield path, f"has {key}: {value}, which limits nothing; write 1 or more"
        elif key.endswith(("body-size", "buffer-size")):
            if value.isdecimal() and 0 < int(value) < _SMALLEST_BODY:
                yield path, f"has {key}: {value}, which is in bytes; write the unit, e.g. 10m"
        elif key == "ssl-redirect" and value == "false" and has_tls:
            yield path, "has a certificate, but serves plain HTTP as well; remove ssl-redirect"
    has_class = "ingressClassName" in fields(artifact.data, "spec")
    if own and not has_class and "kubernetes.io/ingress.class" not in noted:
        what = "has annotations for nginx and no class: the default controller takes it"
        yield ("spec",), f"{what}; write ingressClassName"


def gateway_faults(artifact: Artifact) -> Iterator[Fault]:
    """Yield listeners of a Gateway that end encryption without a certificate."""
    for number, listener in enumerate(items(artifact.data, "spec", "listeners")):
        tls, name = fields(listener, "tls"), text(listener, "name")
        is_secure = text(listener, "protocol") in ("HTTPS", "TLS")
        passes = text(tls, "mode") == "Passthrough" or fields(tls, "options")
        if is_secure and not passes and not items(tls, "certificateRefs"):
            what = f"has the listener {name} for HTTPS without a certificate"
            yield ("spec", "listeners", number), f"{what}; write `tls.certificateRefs`"


def route_faults(
    gateways: Mapping[tuple[str, str], list[Artifact]], artifact: Artifact
) -> Iterator[Fault]:
    """Yield parents of an HTTPRoute whose listeners do not take it."""
    hosts = [str(host) for host in items(artifact.data, "spec", "hostnames")]
    for number, parent in enumerate(items(artifact.data, "spec", "parentRefs")):
        space = str(parent.get("namespace") or space_of(artifact))
        found = gateways.get((str(text(parent, "name")), space), [])
        listeners = [one for gateway in found for one in items(gateway.data, "spec", "listeners")]
        names, section = (
            [str(text(one, "name")) for one in listeners],
            str(parent.get("sectionName") or ""),
        )
        path: Path = ("spec", "parentRefs", number)
        if listeners and section and section not in names:
            what = f"names the listener {section}, which Gateway {text(parent, 'name')} lacks"
            yield (*path, "sectionName"), f"{what}; {did_you_mean(section, names)}"
            continue
        taken = [one for one in listeners if section in ("", text(one, "name"))]
        bound = [_host(one) for one in taken]
        for place, host in enumerate(hosts if bound and all(bound) else ()):
            if not any(_covers([one], host) or _covers([host], one) for one in bound):
                what = f"has the host {host}, which no listener of its Gateway has"
                yield ("spec", "hostnames", place), f"{what}; {did_you_mean(host, bound)}"


def _host(listener: Fields) -> str:
    return str(text(listener, "hostname") or "")


def _covers(patterns: list[str], host: str) -> bool:
    """Tell whether a host is one of these, of which a name may begin with *."""
    return any(fnmatchcase(host, pattern) for pattern in patterns)


GATE = Gate(
    id="NET007",
    title="Hosts have certificates and listeners, and listeners have what they need",
    phase="kubernetes",
    source="https://gateway-api.sigs.k8s.io/reference/spec: a route that no listener takes is "
    "accepted and serves nothing; a host without a certificate shows the controller's own",
    check=check,
    of_files=check,
    scope=counted_in_files("entrances", _entrances),
    targets=("cluster",),
    reads="rules, `tls` and annotations for nginx of Ingress objects; HTTPRoutes beside the "
    "listeners of those Gateways that are in these files.",
)
