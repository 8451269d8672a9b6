"""Patches of Envoy have the parts without which it refuses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, numbered
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_MOST_DEEP = 40
_LIMIT = "local_ratelimit.v3.LocalRateLimit"


def check(files: Files) -> Iterator[Finding]:
    """Yield parts of a patch that Envoy does not take, so that the proxy keeps what it had."""
    for artifact, path, value in _patches(files):
        for place, what in _faults(value, path, 0):
            where = artifact.at(*place)
            yield Finding(where, f"{title(artifact)} has {what}: Envoy refuses the whole patch")


@once
def _patches(files: Files) -> Iterator[tuple[Artifact, Path, Any]]:
    for artifact in files.objects("EnvoyFilter"):
        for number, one in numbered(artifact.data, "spec", "configPatches"):
            patch = one.get("patch")
            if isinstance(patch, Mapping) and isinstance(patch.get("value"), Mapping):
                path: Path = ("spec", "configPatches", number, "patch", "value")
                yield artifact, path, patch["value"]


def _faults(value: Any, path: Path, depth: int) -> Iterator[tuple[Path, str]]:
    """Yield parts without what they need, by the names of these."""
    if depth > _MOST_DEEP:
        return
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from _faults(one, (*path, number), depth + 1)
    elif isinstance(value, Mapping):
        for key, below in value.items():
            here = (*path, str(key))
            for place, part in _parts(below, here):
                for needed in published("envoy")["needed"].get(str(key), ()):
                    if needed not in part:
                        yield place, f"{key} without {needed}"
                    elif part[needed] == []:
                        yield (*place, needed), f"{key} with no {needed} in the list"
                    elif needed == "max_tokens" and part[needed] == 0:
                        yield (*place, needed), f"{key} of no tokens"
                if key == "range_match" and _number(part, "start") >= _number(part, "end"):
                    yield place, "a range_match that ends before it starts"
                if key == "typed_per_filter_config":
                    yield from _unlimited(part, place)
            yield from _faults(below, here, depth + 1)


def _number(part: Mapping[Any, Any], key: str) -> int:
    return found if isinstance(found := part.get(key, 0), int) else 0


def _unlimited(part: Mapping[Any, Any], path: Path) -> Iterator[tuple[Path, str]]:
    """Yield limits of a route or host that have no number."""
    for name, one in part.items():
        is_limit = isinstance(one, Mapping) and str(one.get("@type")).endswith(_LIMIT)
        if is_limit and "token_bucket" not in one:
            yield (*path, str(name)), "a limit of a host or route without token_bucket"


def _parts(value: Any, path: Path) -> Iterator[tuple[Path, Mapping[Any, Any]]]:
    """Yield a part, or each of a list of them."""
    if isinstance(value, Mapping):
        yield path, value
    elif isinstance(value, list):
        found = enumerate(value)
        yield from (((*path, number), one) for number, one in found if isinstance(one, Mapping))


GATE = Gate(
    id="MSH016",
    title="Patches of Envoy have the parts that it needs",
    phase="mesh",
    source="https://www.envoyproxy.io/docs/envoy/latest/api-v3: parts that are required; Istio "
    "takes an EnvoyFilter as it is, and the proxy refuses what is made of it",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("patches of Envoy", _patches),
    targets=("cluster",),
    reads="limits, headers and percentages in patches of EnvoyFilters, by the names of their "
    "parts; assets/published.yaml lists them.",
)
