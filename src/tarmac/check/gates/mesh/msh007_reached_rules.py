"""Routes of the mesh are reached, and tokens are asked for: no earlier rule takes everything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, items, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.gateway_proxies import istio_gateways
from tarmac.check.gates.views.objects.metadata import metadata, name_of, space_of, title
from tarmac.check.gates.views.scope import kinds

#: The namespace whose rules are for all of the mesh.
ROOT = "istio-system"
_ASKS = re.compile(r"\b(notR|r)equestPrincipals\b|\brequest\.auth\b")
Pair = tuple[str, Any]


def check(files: Files) -> Iterator[Finding]:
    """Yield routes behind one for every request, and checks of tokens that let none pass, too."""
    for artifact in files.objects("VirtualService"):
        yield from _behind(artifact)
    yield from _outside(files)
    rules = AskingRules(files.objects("AuthorizationPolicy"))
    for artifact in files.objects("RequestAuthentication"):
        if items(artifact.data, "spec", "jwtRules") and not rules.are_for(artifact):
            what = f"{title(artifact)} refuses wrong tokens only: a request without any passes"
            yield Finding(
                artifact.at("spec", "jwtRules"),
                f"{what}; write an AuthorizationPolicy for the same pods that asks for "
                "requestPrincipals",
                warning=True,
            )


def _behind(artifact: Artifact) -> Iterator[Finding]:
    """Yield the first route of a VirtualService that no request can reach."""
    routes = items(artifact.data, "spec", "http")
    for number, route in enumerate(routes[:-1]):
        if _takes_all(fields(route)):
            later = fields(routes[number + 1])
            name = dig(later, "name") or " ".join(texts(later.get("match"))) or "the next one"
            what = f"{title(artifact)} takes every request by its route {number + 1}, so"
            yield Finding(
                artifact.at("spec", "http", number + 1),
                f"{what} {name} behind it is never reached; put it before",
            )
            return


def _outside(files: Files) -> Iterator[Finding]:
    """Yield hosts of the mesh whose routes hold at a gateway alone, which has no such host."""
    listening = {(space_of(one), name_of(one)): _hosts(one) for one in istio_gateways(files)}
    services = {name_of(one) for one in files.objects("Service")} if listening else set[str]()
    for artifact in files.objects("VirtualService") if listening else ():
        named = list(texts(dig(artifact.data, "spec", "gateways")))
        places = [tuple(one.rpartition("/")[::2]) for one in named]
        known = [listening.get((space or space_of(artifact), name)) for space, name in places]
        if not named or "mesh" in named or None in known:
            continue
        taken = [host for hosts in known for host in hosts or ()]
        for number, host in enumerate(texts(dig(artifact.data, "spec", "hosts"))):
            first, _, rest = host.partition(".")
            is_own = first in services and (not rest or re.match(r"[\w-]+(\.svc|$)", rest))
            if is_own and not any(_takes(one, host) for one in taken):
                what = f"{title(artifact)} is for {', '.join(named)}, where no server has the host"
                why = f"{host}, and not for the mesh: calls of {first} from other pods pass all of"
                advice = "its routes by; write mesh to gateways, too"
                where = artifact.at("spec", "hosts", number)
                yield Finding(where, f"{what} {why} {advice}", warning=True)


def _hosts(gateway: Artifact) -> list[str]:
    found = (
        host for server in items(gateway.data, "spec", "servers") for host in items(server, "hosts")
    )
    return [str(one).rpartition("/")[2] for one in found]


def _takes(pattern: str, host: str) -> bool:
    return pattern in ("*", host) or (pattern[:2] == "*." and host.endswith(pattern[1:]))


def _takes_all(route: Fields) -> bool:
    """Tell whether a route is for every request: without a match, or by the path / alone."""
    matches = route.get("match")
    if not matches:
        return bool(route)
    every = ({"uri": {"prefix": "/"}}, {"uri": {"regex": ".*"}}, {"uri": {"regex": "/.*"}})
    return any({k: v for k, v in fields(one).items() if k != "name"} in every for one in matches)


def _labels(spec: Fields) -> dict[str, str]:
    selected = fields(spec, "selector", "matchLabels")
    return {str(name): str(value) for name, value in selected.items()}


class AskingRules:
    """The AuthorizationPolicies that say something of a token's subject, by what they select."""

    def __init__(self, rules: Iterable[Artifact]) -> None:
        self._by_label: dict[tuple[str, Pair | None], list[dict[str, str]]] = {}
        for rule in rules:
            spec = fields(rule.data, "spec")
            if _ASKS.search(str(spec)) or "targetRefs" in spec:
                selected = _labels(spec)
                space = metadata(rule).namespace
                key = (
                    "" if space in (None, ROOT) else space_of(rule),
                    min(selected.items(), default=None),
                )
                self._by_label.setdefault(key, []).append(selected)

    def are_for(self, artifact: Artifact) -> bool:
        """Tell whether one is for the pods of a RequestAuthentication, or may be."""
        own = _labels(fields(artifact.data, "spec"))
        found = (
            selected.items() <= own.items()
            for space in ("", space_of(artifact))
            for pair in (None, *own.items())
            for selected in self._by_label.get((space, pair), ())
        )
        return "targetRefs" in fields(artifact.data, "spec") or any(found)


GATE = Gate(
    id="MSH007",
    title="Routes and rules of the mesh are reached",
    phase="mesh",
    source="https://istio.io/latest/docs/reference/config/networking/virtual-service: the first "
    "rule that matches is used; https://istio.io/latest/docs/reference/config/security/request_authentication",
    check=check,
    of_files=check,
    scope=kinds("routes and checks of tokens", "VirtualService", "RequestAuthentication"),
    targets=("cluster",),
    reads="the order of HTTP routes of VirtualServices, their hosts of the mesh beside those of "
    "their Gateways, and RequestAuthentications beside the "
    "AuthorizationPolicies of their pods.",
)
