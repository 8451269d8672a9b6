"""Envoy's own configuration: calls by gRPC go to clusters that speak HTTP/2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files

_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def check(files: Files) -> Iterator[Finding]:
    """Yield routes to clusters that are not there, or that speak another protocol."""
    for artifact in _configurations(files):
        clusters = {
            string(one, "name"): one for one in items(artifact.data, "static_resources", "clusters")
        }
        is_open = bool(dig(artifact.data, "dynamic_resources", "cds_config"))
        for path, match, name in _routes(artifact):
            if name not in clusters:
                if not is_open:
                    what = f"leads to cluster {name}, which is not there: Envoy does not start"
                    yield Finding(artifact.at(*path), f"{what}; {did_you_mean(name, clusters)}")
            elif "grpc" in match and not _speaks_2(clusters[name]):
                what = f"takes calls by gRPC to cluster {name}, which has no http2_protocol_options"
                advice = "it is asked by HTTP/1.1, and each call fails; write them"
                yield Finding(artifact.at(*path), f"{what}: {advice}")


def _configurations(files: Files) -> list[Artifact]:
    return [
        one
        for one in files.artifacts
        if not one.is_object and items(one.data, "static_resources", "clusters")
    ]


def _routes(artifact: Artifact) -> Iterator[tuple[Path, Fields, str]]:
    """Yield where a route names a cluster, what it matches, and the name."""
    root: Path = ("static_resources", "listeners")
    for path, node in _nodes(dig(artifact.data, *root), root):
        route, match = fields(node, "route"), fields(node, "match")
        if match and isinstance(name := route.get("cluster"), str):
            yield (*path, "route", "cluster"), match, name


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
    reads="files with static_resources: routes by their cluster, and routes that match gRPC. "
    "Judges files without a plan only.",
)
