"""Routes of Traefik are for entry points that it has."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, dig, fields, items, numbered_texts, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.traefik import SETTINGS, entry_points, version_in
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.monitoring.given_values import GivenValues, given_values
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.objects.pods import SERVING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_ROUTES = ("IngressRoute", "IngressRouteTCP", "IngressRouteUDP")
_GROUPS = ("traefik.io/", "traefik.containo.us/")
_NOTED = "traefik.ingress.kubernetes.io/router.entrypoints"
#: What the chart of Traefik has where its values say nothing.
_OF_CHART = frozenset({"web", "websecure", "traefik", "metrics"})
#: Folders of what is shown or tried: a Traefik and a route in them need not be for each other.
_SHOWN = re.compile(r"(?:^|/)(?:docs?|examples?|tests?|samples?|fixtures?|demos?)(?:/|$)")
#: By these more values come from elsewhere.
_MORE = ("valuesFrom", "values", "valueFiles", "parameters")


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


def _asked(files: Files) -> Iterator[AskedEntry]:
    for artifact in files.objects(*_ROUTES):
        if str(artifact.data["apiVersion"]).startswith(_GROUPS) and not _is_shown(artifact):
            for number, name in numbered_texts(dig(artifact.data, "spec", "entryPoints")):
                if not is_mark(name):
                    yield AskedEntry(artifact, ("spec", "entryPoints", number), name)
    for artifact in files.objects("Ingress"):
        is_told = not _is_shown(artifact)
        noted = str(metadata(artifact).annotations.get(_NOTED) or "") if is_told else ""
        for name in re.split(r"\s*,\s*", noted.strip()):
            if name and not is_mark(name):
                yield AskedEntry(artifact, ("metadata", "annotations", _NOTED), name)


def _proxies(files: Files) -> Proxies | None:
    """Find the entry points of all Traefiks; None: none is here, or one is told by a file."""
    names = set[str]()
    serving = (one for one in pods(files, *SERVING) if not _is_shown(one.artifact))
    own = [entries for one in serving for entries in _of_pods(one)]
    given = list(given_values(files, frozenset({"traefik"})))
    of_chart = [_of_chart(one) for one in given]
    for entries in (*own, *of_chart):
        if not entries:
            return None
        names |= entries
    return Proxies(frozenset(names), bool(given)) if names else None


def _is_shown(artifact: Artifact) -> bool:
    return _SHOWN.search(posixpath.dirname(artifact.path)) is not None


def _of_pods(own: Pods) -> Iterator[set[str]]:
    """Yield the entry points of each Traefik in a pod; none where a file may name others."""
    for one in own.main_containers:
        if version_in(one.written_image) is None:
            continue
        told = [
            *one.words,
            *(f"{name}={text.text}" for name, text in own.variables.of(one).items()),
        ]
        mounted = [text for mount in one.mounts for text in texts(list(mount.data.values()))]
        is_open = any(map(SETTINGS.search, [*told, *mounted])) or not own.variables.are_known(one)
        yield set() if is_open else entry_points(told)


def _of_chart(given: GivenValues) -> set[str]:
    """List the entry points by the values of Traefik's chart; none where others may come."""
    *above, last = given.path
    beside = fields(given.artifact.data, *above)
    if last not in beside or any(key in beside for key in _MORE if key != last):
        return set()
    values = fields(given.artifact.data, *given.path)
    arguments = [str(one) for one in items(values, "additionalArguments")]
    if any(map(SETTINGS.search, arguments)):
        return set()
    ports = {str(name).lower() for name in fields(values, "ports")}
    return {*_OF_CHART, *ports, *entry_points(arguments)}


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
