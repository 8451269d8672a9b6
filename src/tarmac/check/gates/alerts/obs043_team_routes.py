"""Routes of an AlertmanagerConfig are written as the operator reads them, and get their alerts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.scope import kinds

#: Routes below the first are of no schema in the definition of the kind.
_KEYS = (
    "receiver", "groupBy", "groupWait", "groupInterval", "repeatInterval", "matchers", "continue",
    "routes", "muteTimeIntervals", "activeTimeIntervals",
)  # fmt: skip
_PLAIN = {"match": "matchers", "match_re": "matchers"}
_STRATEGY = ("spec", "alertmanagerConfigMatcherStrategy", "type")


def check(files: Files) -> Iterator[Finding]:
    """Yield keys of Alertmanager's own file, and routes to which no alert can come."""
    servers = files.objects("Alertmanager")
    for artifact in files.objects("AlertmanagerConfig"):
        space = space_of(artifact)
        for path, route in _routes(fields(artifact.data, "spec", "route"), ("spec", "route")):
            for key in route if len(path) > 2 else ():
                if str(key) not in _KEYS:
                    instead = _PLAIN.get(str(key)) or _camel(str(key))
                    what = f"{title(artifact)} has {key} in a route, which the operator does not"
                    advice = f"write {instead}" if instead in _KEYS else did_you_mean(key, _KEYS)
                    yield Finding(artifact.at(*path, str(key)), f"{what} read there; {advice}")
            yield from _elsewhere(artifact, space, path, route, servers)


def _elsewhere(
    artifact: Artifact, space: str, path: Path, route: Fields, servers: tuple[Artifact, ...]
) -> Iterator[Finding]:
    """Yield routes for alerts of other namespaces, to which only those of its own come."""
    for number, one in numbered(route, "matchers"):
        value, kind = string(one, "value"), string(one, "matchType") or "="
        if string(one, "name") != "namespace" or not space or kind not in ("=", "=~"):
            continue
        names = re.split(r"\|", value.strip("()^$"))
        is_plain = all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)
        if not is_plain or space in names or not servers or any(map(_is_open, servers)):
            continue
        what = f"{title(artifact)} is for alerts of {', '.join(names)}, and the operator gives it"
        said = f"{what} those of its own namespace {space} alone: it gets none; write"
        where = artifact.at(*path, "matchers", number)
        advice = "alertmanagerConfigMatcherStrategy: {type: None} to the Alertmanager"
        yield Finding(where, f"{said} {advice}")


def _is_open(server: Artifact) -> bool:
    return string(server.data, *_STRATEGY) not in ("", "OnNamespace")


def _routes(route: Fields, path: Path) -> Iterator[tuple[Path, Fields]]:
    todo = [(path, route)]
    while todo:
        here, one = todo.pop()
        yield here, one
        for number, below in enumerate(items(one, "routes")):
            todo.append(((*here, "routes", number), fields(below)))


def _camel(key: str) -> str:
    head, *rest = key.split("_")
    return head + "".join(word.capitalize() for word in rest)


GATE = Gate(
    id="OBS043",
    title="Routes of an AlertmanagerConfig are written as the operator reads them",
    phase="observability",
    source="https://prometheus-operator.dev/docs/developer/alerting: matchers are a list of name, "
    "value and matchType, and each configuration gets the alerts of its own namespace",
    check=check,
    of_files=check,
    scope=kinds("configurations of a team", "AlertmanagerConfig"),
    targets=(),
    reads="keys of the routes below the first, which have no schema, and matchers of the label "
    "namespace beside the Alertmanagers here. Judges files without a plan only.",
)
