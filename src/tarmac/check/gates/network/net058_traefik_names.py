"""What routes ask of Traefik is there: middlewares by their whole names, and resolvers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, dig, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.network.traefiks import Traefik, is_shown, traefiks
from tarmac.check.gates.views.objects.metadata import group_of, metadata, name_of, space_of, title
from tarmac.check.gates.views.scope import counted_in_files

_GROUPS = ("traefik.io", "traefik.containo.us")
_ROUTES = ("IngressRoute", "IngressRouteTCP", "IngressRouteUDP")
_ROUTER = "traefik.ingress.kubernetes.io/router."
_MIDDLEWARES, _RESOLVER = f"{_ROUTER}middlewares", f"{_ROUTER}tls.certresolver"
_PROVIDER = "@kubernetescrd"
#: Where the values of its chart switch the provider of its own kinds.
_SWITCH = ("providers", "kubernetesCRD", "enabled")
#: Where the values of its chart have resolvers, by its versions.
_RESOLVERS = ("certificatesResolvers", "certResolvers")
_TOLD = re.compile(
    r"(?i)--certificatesresolvers\.([\w-]+)[.=]|TRAEFIK_CERTIFICATESRESOLVERS_([A-Z0-9]+)_"
)


class RouterPart(NamedTuple):
    """A thing that a route asks Traefik for, by its name."""

    artifact: Artifact
    path: Path
    name: str
    is_resolver: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield routes that Traefik drops, and those without the certificate that they ask for."""
    asked = list(_asked(files))
    proxies = list(traefiks(files)) if asked or _own(files) else []
    yield from _switched_off(files, proxies, asked)
    spaces = _middlewares(files)
    for one in asked:
        if one.is_resolver:
            yield from _resolvers(proxies, one)
        elif spaces:
            yield from _middleware(spaces, one)


def _middleware(spaces: dict[str, set[str]], one: RouterPart) -> Iterator[Finding]:
    """Yield a Middleware that is asked for without the namespace before its name."""
    name, at, provider = one.name.partition("@")
    known = {f"{space}-{own}" for own in spaces for space in spaces[own] if space}
    is_ours = f"{at}{provider}" == _PROVIDER
    if at and not is_ours:
        return
    if not at and name in known:
        what = f"{title(one.artifact)} asks for the middleware {name}, which without a provider is"
        said = f"{what} one of an Ingress: its router is dropped, and its host answers 404;"
        yield Finding(one.artifact.at(*one.path), f"{said} write {name}{_PROVIDER}")
    elif name in spaces and name not in known:
        space = min(spaces[name] - {""}, default="") or space_of(one.artifact) or "NAMESPACE"
        what = f"{title(one.artifact)} asks for the middleware {one.name}, and Traefik knows it by"
        said = f"{what} its namespace: its router is dropped, and its host answers 404;"
        advice = f"write {space}-{name}{_PROVIDER}"
        yield Finding(one.artifact.at(*one.path), f"{said} {advice}")


def _switched_off(
    files: Files, proxies: list[Traefik], asked: list[RouterPart]
) -> Iterator[Finding]:
    """Yield a Traefik that reads none of its own kinds, where there are some for it."""
    off = [one for one in proxies if dig(one.values, *_SWITCH) is False]
    if len(proxies) != 1 or not off:
        return
    by = next((one.artifact for one in asked if one.name.endswith(_PROVIDER)), None)
    by = by if by is not None else next(iter(_own(files)), None)
    if by is not None and off[0].path is not None:
        what = f"{title(off[0].artifact)} switches the provider kubernetesCRD off, so Traefik reads"
        said = f"{what} none of its own kinds, and {title(by)} needs one: it answers 404"
        where = off[0].artifact.at(*off[0].path, *_SWITCH)
        yield Finding(where, f"{said}; write enabled: true", warning=True)


def _resolvers(proxies: list[Traefik], one: RouterPart) -> Iterator[Finding]:
    names = {name for own in proxies for name in _told(own)}
    is_known = all(_told(own) and not own.is_open for own in proxies)
    if names and is_known and one.name.lower() not in {name.lower() for name in names}:
        what = f"{title(one.artifact)} asks for the certificate resolver {one.name}, which Traefik"
        said = f"{what} does not have: no certificate is requested, and its own default is shown;"
        advice = did_you_mean(one.name, sorted(names))
        is_of_chart = any(own.path is not None for own in proxies)
        yield Finding(one.artifact.at(*one.path), f"{said} {advice}", warning=is_of_chart)


def _told(own: Traefik) -> set[str]:
    found = (names for text in own.told for names in _TOLD.findall(text))
    told = {name or variable.lower() for name, variable in found}
    return {*told, *(str(name) for key in _RESOLVERS for name in fields(own.values, key))}


def _middlewares(files: Files) -> dict[str, set[str]]:
    """List the namespaces of all Middlewares by their names."""
    spaces: dict[str, set[str]] = {}
    for one in files.objects("Middleware"):
        if group_of(one) in _GROUPS:
            spaces.setdefault(name_of(one), set()).add(space_of(one))
    return spaces


def _own(files: Files) -> list[Artifact]:
    found = files.objects(*_ROUTES)
    return [one for one in found if group_of(one) in _GROUPS and not is_shown(one)]


def _asked(files: Files) -> Iterator[RouterPart]:
    for one in _own(files):
        name = string(one.data, "spec", "tls", "certResolver")
        if name and not is_mark(name):
            yield RouterPart(one, ("spec", "tls", "certResolver"), name, True)
    for one in files.objects("Ingress"):
        noted = {} if is_shown(one) else metadata(one).annotations
        for key in (_MIDDLEWARES, _RESOLVER):
            for name in re.split(r"[ \t]*,[ \t]*", str(noted.get(key) or "").strip()):
                if name and not is_mark(name):
                    at: Path = ("metadata", "annotations", key)
                    yield RouterPart(one, at, name, key == _RESOLVER)


def _judged(files: Files) -> Iterator[object]:
    yield from _asked(files)
    yield from _own(files)


GATE = Gate(
    id="NET058",
    title="What routes ask of Traefik by a name is there",
    phase="kubernetes",
    source="https://doc.traefik.io/traefik/reference/install-configuration/providers/kubernetes/"
    "kubernetes-crd: other providers name its middlewares NAMESPACE-NAME@kubernetescrd; a router "
    "with an unknown one is dropped, and one with an unknown resolver gets no certificate",
    check=check,
    of_files=check,
    scope=counted_in_files("routes of Traefik", _judged),
    targets=("cluster",),
    reads="middlewares and certificate resolvers in annotations of Ingresses and in IngressRoutes, "
    "beside the Middlewares here, the arguments and variables of all pods of Traefik, and the "
    "values of its chart; not what a configuration file tells it.",
)
