"""Rules of roles: groups and resources that an API server has, and that go together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, items
from tarmac.check.gates.views.objects.metadata import group_of
from tarmac.check.gates.views.objects.object_rules import object_rules

#: All of its resources have moved; roles keep it for servers of long ago.
GONE = "extensions"
_ELSEWHERE = ", by which another rule grants it"
#: Groups of the API server itself, and what is almost one of them.
_OF_SERVER = re.compile(r"[a-z]*|(.*\.)?k8s\.io|.*openshift.*")
_VERSION = re.compile(r"(?:(.*)/)?v\d+(?:(?:alpha|beta)\d+)?")


def _granted(artifact: Artifact, resource: object) -> bool:
    """Tell whether a rule of a role grants a resource by the group that it is in today."""
    own = object_rules()["resources"][str(resource).partition("/")[0]]
    return any(
        set(own) & set(map(str, items(rule, "apiGroups"))) and resource in items(rule, "resources")
        for rule in items(artifact.data, "rules")
    )


def is_of_others(artifact: Artifact, path: Path) -> bool:
    """Tell whether a place in a rule names a resource of a group that is not of the server.

    So does one that another controller fills in.
    """
    if _is_left_to_knative(artifact, path):
        return True
    if path[:1] != ("rules",) or "resources" not in path:
        return False
    groups = [str(one) for one in items(artifact.data, *path[:2], "apiGroups")]
    return bool(groups) and not any(map(_OF_SERVER.fullmatch, groups))


def _is_left_to_knative(artifact: Artifact, path: Path) -> bool:
    """Tell whether a place is the port of a probe that Knative fills in: 0 is that of its pod."""
    return (
        group_of(artifact) == "serving.knative.dev"
        and path[-1] == "port"
        and any(str(key).endswith("Probe") for key in path)
    )


def without_effect(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield groups and resources of a role that grant nothing: a server takes them as they are."""
    known = object_rules()["resources"]
    for number, rule in enumerate(items(artifact.data, "rules")):
        groups = [one for one in items(rule, "apiGroups") if isinstance(one, str)]
        for at, group in enumerate(groups):
            if found := _VERSION.fullmatch(group):
                what = f"is {group!r}, and a group has no version, so it grants nothing"
                yield ("rules", number, "apiGroups", at), f'{what}; write "{found[1] or ""}"'
        # A group of others may have resources of the same names, and some that only it asks for.
        are_others = groups and not any(map(_OF_SERVER.fullmatch, groups))
        if any(map(_VERSION.fullmatch, groups)) or "*" in groups or are_others:
            continue
        for at, resource in enumerate(items(rule, "resources")):
            own = known.get(str(resource).partition("/")[0])
            is_granted = own and _granted(artifact, resource)
            if is_granted and GONE in groups:
                continue
            if groups and own and not set(own) & set(groups):
                there = " or ".join(f'"{group}"' for group in own)
                what = (
                    f"is {resource!r}, which is in none of the rule's groups, so it grants nothing"
                )
                what += f"; its group is {there}{_ELSEWHERE if is_granted else ''}"
                yield ("rules", number, "resources", at), what
