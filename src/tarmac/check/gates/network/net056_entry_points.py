"""Routes of Traefik are for entry points that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, dig, fields, numbered_texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.traefik import entry_points
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.network.traefiks import Traefik, is_shown, traefiks
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_ROUTES = ("IngressRoute", "IngressRouteTCP", "IngressRouteUDP")
_GROUPS = ("traefik.io/", "traefik.containo.us/")
_NOTED = "traefik.ingress.kubernetes.io/router.entrypoints"
#: What the chart of Traefik has where its values say nothing.
_OF_CHART = frozenset({"web", "websecure", "traefik", "metrics"})


class AskedEntry(NamedTuple):
    """An entry point that a route is for."""

    artifact: Artifact
    path: Path
    name: str


class Proxies(NamedTuple):
    """The entry points of all Traefiks in some files."""

    names: frozenset[str]
    #: Whether a chart makes some of them: its values may be patched.
    is_of_chart: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield routes for entry points that no Traefik of these files has."""
    asked = list(_asked(files))
    proxies = _proxies(files) if asked else None
    if proxies is None:
        return
    for one in asked:
        if one.name.lower() not in proxies.names:
            what = f"{title(one.artifact)} is for the entry point {one.name}, which Traefik does"
            said = f"{what} not have: its router is dropped, and its requests are answered by 404;"
            advice = did_you_mean(one.name, sorted(proxies.names))
            where = one.artifact.at(*one.path)
            yield Finding(where, f"{said} {advice}", warning=proxies.is_of_chart)


@once
def _asked(files: Files) -> Iterator[AskedEntry]:
    for artifact in files.objects(*_ROUTES):
        if str(artifact.data["apiVersion"]).startswith(_GROUPS) and not is_shown(artifact):
            for number, name in numbered_texts(dig(artifact.data, "spec", "entryPoints")):
                if not is_mark(name):
                    yield AskedEntry(artifact, ("spec", "entryPoints", number), name)
    for artifact in files.objects("Ingress"):
        is_told = not is_shown(artifact)
        noted = str(metadata(artifact).annotations.get(_NOTED) or "") if is_told else ""
        for name in re.split(r"\s*,\s*", noted.strip()):
            if name and not is_mark(name):
                yield AskedEntry(artifact, ("metadata", "annotations", _NOTED), name)


def _proxies(files: Files) -> Proxies | None:
    """Find the entry points of all Traefiks; None: none is here, or one is told by a file."""
    found = list(traefiks(files))
    names = {name for one in found for name in _entries(one)}
    is_known = bool(names) and not any(one.is_open or not _entries(one) for one in found)
    is_of_chart = any(one.path is not None for one in found)
    return Proxies(frozenset(names), is_of_chart) if is_known else None


def _entries(one: Traefik) -> set[str]:
    """List the entry points of a Traefik, and what its chart adds to them."""
    if one.path is None:
        return entry_points(one.told)
    ports = {str(name).lower() for name in fields(one.values, "ports")}
    return {*_OF_CHART, *ports, *entry_points(one.told)}


GATE = Gate(
    id="NET056",
    title="Routes of Traefik are for entry points that it has",
    phase="kubernetes",
    source="https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/"
    "ingressroute: a router whose entry point is not known is dropped with an error in the log",
    check=check,
    of_files=check,
    scope=counted_in_files("entry points that routes are for", _asked),
    targets=("cluster",),
    reads="entry points of IngressRoutes, and of Ingresses by their annotation, beside the "
    "arguments and variables of all pods of Traefik, and the values of its chart, in these files; "
    "not what a configuration file tells it. A chart's values may be patched: a warning.",
)
