"""Hosts are what DNS, certificates and browsers take them for."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.certificates import Certificate, covers, tls_secrets
from tarmac.check.gates.views.objects.metadata import group_of, name_of, space_of, title
from tarmac.check.gates.views.scope import kinds

_NGINX = "nginx.ingress.kubernetes.io/"
API = "cert-manager.io"


def check(files: Files) -> Iterator[Finding]:
    """Yield names that are addresses, certificates of other hosts, and origins for all."""
    for service in files.objects("Service"):
        name = text(service.data, "spec", "externalName") or ""
        if _is_address(name):
            what = f"{title(service)} has the externalName {name}, an address: DNS looks for a name"
            yield Finding(
                service.at("spec", "externalName"),
                f"{what}, so nothing is found; write an EndpointSlice of a Service without "
                f"selector",
            )
    issued: dict[tuple[str, str], list[Artifact]] = {}
    for one in files.objects("Certificate"):
        if group_of(one) == API and (secret := Certificate(one).secret):
            issued.setdefault((space_of(one), secret), []).append(one)
    for entrance in files.objects("Ingress", "Gateway"):
        yield from _certificates(entrance, issued)
    for ingress in files.objects("Ingress"):
        yield from _origins(ingress)


def _is_address(name: str) -> bool:
    try:
        return bool(name) and bool(ip_address(name))
    except ValueError:
        return False


def _certificates(
    entrance: Artifact, issued: dict[tuple[str, str], list[Artifact]]
) -> Iterator[Finding]:
    for read in tls_secrets(entrance):
        known = issued.get((read.namespace or space_of(entrance), read.name), [])
        if not known or any(dig(one.data, "spec", "commonName") in read.hosts for one in known):
            continue
        # Environments may have one each, of the same name.
        one, names = known[0], {str(host) for c in known for host in Certificate(c).hosts}
        lacks = [host for host in sorted(map(str, read.hosts)) if not _covers(names, host)]
        if names and lacks and not any("$" in name or "{" in name for name in (*names, *lacks)):
            what = f"{title(entrance)} serves {lacks[0]} with the Secret {read.name}, whose"
            yield Finding(
                one.at("spec", "dnsNames"),
                f"{what} Certificate {name_of(one)} is for {', '.join(sorted(names))}; add it",
            )


def _covers(names: set[str], host: str) -> bool:
    """Tell whether one is for a host; of a pattern of hosts, those below a name may be all."""
    if host.startswith("*."):
        return any(name.endswith(host[1:]) for name in names)
    return covers(names, host)


def _origins(ingress: Artifact) -> Iterator[Finding]:
    noted = fields(ingress.data, "metadata", "annotations")

    def said(key: str) -> str:
        return str(noted.get(f"{_NGINX}{key}", ""))

    is_any = said("cors-allow-origin") == "*"
    if said("enable-cors") == "true" and is_any and said("cors-allow-credentials") == "true":
        what = f"{title(ingress)} allows every origin and credentials: any page may ask in a"
        yield Finding(
            ingress.at("metadata", "annotations", f"{_NGINX}cors-allow-origin"),
            f"{what} visitor's name, or browsers refuse the answer; name the origins",
            warning=True,
        )


GATE = Gate(
    id="NET010",
    title="Hosts are what DNS, certificates and browsers take them for",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/service/#externalname",
    check=check,
    of_files=check,
    scope=kinds("entrances and Services", "Ingress", "Gateway", "Service"),
    targets=("cluster",),
    reads="externalName of Services, dnsNames of Certificates beside the hosts that Ingresses and "
    "Gateways serve with their Secrets, and nginx' annotations for CORS.",
)
