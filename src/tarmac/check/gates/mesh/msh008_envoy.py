"""Envoy's own configuration: calls by gRPC go to clusters that speak HTTP/2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_SAID = ("typed_extension_protocol_options", _OPTIONS, "explicit_http_config")
#: The path of gRPC: a package, and a service and a method of it.
_PACKAGED = re.compile(r"/(?:[a-z]\w*\.)+(?:[A-Z]\w*(?:/([A-Z]\w*)?)?)?")
#: Filters that make calls by gRPC of others.
_MAKING = ("grpc_web", "grpc_json_transcoder")
#: Methods that answer as long as their caller listens.
_STREAMS = re.compile(r"(Stream|Watch|Subscribe|Tail|Follow|Listen)([A-Z]\w*)?|[A-Z]\w*Stream")


class EnvoyRoute(NamedTuple):
    """A route to a cluster."""

    path: Path
    match: Fields
    #: What is done with what matches.
    does: Fields
    cluster: str
    #: Whether what comes is made a call by gRPC before.
    is_made: bool

    @property
    def written(self) -> str:
        """The path that it matches, or the beginning of it."""
        return string(self.match, "path") or string(self.match, "prefix")


def check(files: Files) -> Iterator[Finding]:
    """Yield routes to clusters that are not there, or that speak another protocol."""
    for artifact in _configurations(files):
        clusters = {
            string(one, "name"): one for one in items(artifact.data, "static_resources", "clusters")
        }
        is_open = bool(dig(artifact.data, "dynamic_resources", "cds_config"))
        routes = list(_routes(artifact))
        is_only = len({route.cluster for route in routes}) == 1
        for route in routes:
            where = artifact.at(*route.path, "route", "cluster")
            if route.cluster not in clusters:
                if not is_open:
                    what = f"leads to cluster {route.cluster}, which is not there"
                    advice = did_you_mean(route.cluster, clusters)
                    yield Finding(where, f"{what}: Envoy does not start; {advice}")
            elif not _speaks_2(clusters[route.cluster]):
                own = clusters[route.cluster]
                is_meant = "http_protocol_options" in fields(own, *_SAID)
                yield from _by_1(route, where, is_only=is_only, is_meant=is_meant)
            if what := _ended(route):
                yield Finding(where, what, warning=True)


def _by_1(route: EnvoyRoute, where: str, *, is_only: bool, is_meant: bool) -> Iterator[Finding]:
    """Yield calls by gRPC to a cluster that is asked by HTTP/1.1."""
    is_packaged = _PACKAGED.fullmatch(route.written) is not None
    is_all = is_only and route.written == "/"
    is_certain = "grpc" in route.match or (route.is_made and (is_packaged or is_all))
    if is_certain or is_packaged:
        what = f"takes calls by gRPC to cluster {route.cluster}, which has no"
        advice = "it is asked by HTTP/1.1, and each call fails; write them"
        # Servers of Connect take such paths by HTTP/1.1, too.
        said = f"{what} http2_protocol_options: {advice}"
        yield Finding(where, said, warning=is_meant or not is_certain)


def _ended(route: EnvoyRoute) -> str:
    """Say what ends a stream; "" where it is none, or goes on."""
    found = _PACKAGED.fullmatch(route.written)
    method = found[1] or "" if found is not None else ""
    if not _STREAMS.fullmatch(method) or {"timeout", "max_stream_duration"} & route.does.keys():
        return ""
    longest = published("envoy")["route_timeout"]
    what = f"the route of {method}, a stream by its name, has no timeout, so Envoy ends each after"
    return f"{what} {longest}; write timeout: 0s"


def _configurations(files: Files) -> list[Artifact]:
    return [
        one
        for one in files.artifacts
        if not one.is_object and items(one.data, "static_resources", "clusters")
    ]


def _routes(artifact: Artifact) -> Iterator[EnvoyRoute]:
    """Yield the routes to clusters, with what filters before them make of requests."""
    root: Path = ("static_resources", "listeners")
    made: list[Path] = []
    for path, node in _nodes(dig(artifact.data, *root), root):
        names = [string(one, "name") for one in items(node, "http_filters")]
        if any(name.endswith(_MAKING) for name in names):
            made.append(path)
        route, match = fields(node, "route"), fields(node, "match")
        if match and isinstance(name := route.get("cluster"), str):
            is_made = any(path[: len(above)] == above for above in made)
            yield EnvoyRoute(path, match, route, name, is_made)


def _nodes(value: Any, path: Path) -> Iterator[tuple[Path, Fields]]:
    if isinstance(value, dict):
        yield path, value
        for key, below in value.items():
            yield from _nodes(below, (*path, str(key)))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _nodes(below, (*path, number))


def _speaks_2(cluster: Fields) -> bool:
    """Tell whether a cluster is asked by HTTP/2: by its own options, or as the caller asks."""
    if "http2_protocol_options" in cluster or "protocol_selection" in cluster:
        return True
    options = fields(cluster, "typed_extension_protocol_options", _OPTIONS)
    said = fields(options, "explicit_http_config")
    return "http2_protocol_options" in said or bool(
        {"use_downstream_protocol_config", "auto_config"} & options.keys()
    )


def _judged(files: Files) -> Iterator[object]:
    for artifact in _configurations(files):
        yield from (one for _, one in numbered(artifact.data, "static_resources", "clusters"))


GATE = Gate(
    id="MSH008",
    title="Envoy's routes lead to clusters that are there and speak their protocol",
    phase="mesh",
    source="https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/edge: a cluster is asked "
    "by HTTP/1.1 where nothing else is written, and gRPC needs HTTP/2",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("clusters of Envoy", _judged),
    targets=(),
    reads="files with static_resources: routes by their cluster, routes that match gRPC or the "
    "path of a package, filters that make calls of gRPC, and timeouts of methods that stream by "
    "their name. Judges files without a plan only.",
)
