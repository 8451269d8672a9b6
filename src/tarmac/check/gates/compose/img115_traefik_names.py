"""What labels for Traefik name is of a provider that it has: middlewares, services, resolvers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.errors import did_you_mean, misspelt
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.traefik import (
    TraefikLabel,
    is_told_more,
    place_of,
    told,
    traefik_labels,
)
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_NAMES = re.compile(
    r"traefik\.(http|tcp|udp)\.routers\.[^.]+\.(middlewares|service|tls\.certresolver)",
    re.IGNORECASE,
)
_MIDDLEWARE = re.compile(r"traefik\.(http|tcp)\.middlewares\.([^.]+)\.\w.*", re.IGNORECASE)
_SERVICE = re.compile(r"traefik\.(http|tcp|udp)\.services\.([^.]+)\.\w.*", re.IGNORECASE)
_PROVIDER = re.compile(r"(?i)(?:--providers\.|TRAEFIK_PROVIDERS_)([a-z]+)")
_RESOLVER = re.compile(
    r"(?i)(?:--certificatesresolvers\.([\w-]+)[.=]|TRAEFIK_CERTIFICATESRESOLVERS_([A-Z0-9]+)_)"
)
#: Providers of which each container's labels are read.
_OF_LABELS = ("docker", "swarm")
#: What a provider is called by names, where that is not how it is switched on.
_CALLED = {"kubernetesingress": "kubernetes", "kubernetesgateway": "kubernetesgateway"}


def check(files: Files) -> Iterator[Finding]:
    """Yield names that Traefik does not know, for which it drops the router or its certificate."""
    made: dict[int, set[tuple[str, str, str]]] = {}
    for one in traefik_labels(files):
        for kind, pattern in (("middlewares", _MIDDLEWARE), ("service", _SERVICE)):
            if found := pattern.fullmatch(one.label):
                own = (kind, found[1].lower(), found[2].lower())
                made.setdefault(id(one.proxy), set()).add(own)
    for one in _naming(files):
        found = _NAMES.fullmatch(one.label)
        if found is None or "$" in one.value or "{{" in one.value:
            continue
        where = place_of(one.service, one.label)
        layer, kind = found[1].lower(), found[2].lower()
        for name in filter(None, re.split(r"\s*,\s*", one.value.strip())):
            if kind == "tls.certresolver":
                yield from _resolver(one, where, name)
                continue
            there = made.get(id(one.proxy), ())
            known = {own for what, at, own in there if (what, at) == (kind, layer)}
            yield from _part(one, where, name, known)


def _part(one: TraefikLabel, where: str, given: str, known: set[str]) -> Iterator[Finding]:
    """Yield a middleware or service of a provider that is off, or that is nearly another one."""
    part, at, provider = given.partition("@")
    own = _providers(one.proxy)
    of_labels = next((name for name in _OF_LABELS if name in own), "")
    what = f"service {one.service.name} names {given}, and"
    if at and provider.lower() not in own | {"internal"} and of_labels:
        said = f"{what} {one.proxy.name} has no provider {provider}: its router is dropped;"
        advice = f"write {part}@{of_labels}" if part.lower() in known else f"switch on {provider}"
        yield Finding(where, f"{said} {advice}")
    elif provider.lower() in ("", of_labels) and (meant := misspelt(part.lower(), known)):
        said = f"{what} no label here makes that: its router is dropped;"
        yield Finding(where, f"{said} did you mean '{meant}'?")


def _resolver(one: TraefikLabel, where: str, name: str) -> Iterator[Finding]:
    found = (pair for text in told(one.proxy) for pair in _RESOLVER.findall(text))
    known = {(given or variable).lower() for given, variable in found}
    if known and name.lower() not in known:
        what = f"service {one.service.name} asks for the certificate resolver {name}, which"
        said = f"{what} {one.proxy.name} does not have: no certificate is requested;"
        yield Finding(where, f"{said} {did_you_mean(name, sorted(known))}")


def _providers(proxy: ComposeService) -> set[str]:
    """List the providers that are switched on, as names call them."""
    found = (name.lower() for text in told(proxy) for name in _PROVIDER.findall(text))
    return {_CALLED.get(name, name) for name in found}


@once
def _naming(files: Files) -> Iterator[TraefikLabel]:
    """Yield labels that name a part, where all that the Traefik is told is here."""
    for one in traefik_labels(files):
        if _NAMES.fullmatch(one.label) and not is_told_more(one.proxy):
            yield one


GATE = Gate(
    id="IMG115",
    title="What labels for Traefik name is of a provider that it has",
    phase="containers",
    source="https://doc.traefik.io/traefik/reference/install-configuration/providers/overview/"
    "#provider-namespace: a part of another provider is named with it, and one that labels make "
    "is of docker; a router with an unknown middleware is dropped",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("labels that name parts of Traefik", _naming),
    targets=("compose",),
    reads="middlewares, services and certificate resolvers of routers in labels, beside the labels "
    "and the arguments of the one Traefik in the same files; not where a file may tell it more. "
    "That another project on the machine makes one is not known, so a name is only held against "
    "those that are nearly it.",
)
