"""An Ingress that rewrites paths keeps the rest of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, at_each, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.scope import kinds

PATHS = ("spec", "rules", "-", "http", "paths", "-")
#: The annotation whose target has groups of the path's expression.
_NGINX = "nginx.ingress.kubernetes.io/rewrite-target"
_GROUP = re.compile(r"\$(\d)")
#: What begins a group, which takes a part of the path, and not one that only holds together.
_OPENS = re.compile(r"\\.|\[(?:\\.|[^\]])*\]|\((?!\?)")
#: A group that takes a slash or nothing.
_SLASH = re.compile(r"\((?:\^?/\|\$|\$\|/|/\|\^|/[?+*]?|/\|)\)")


def check(files: Files) -> Iterator[Finding]:
    """Yield rewrites to a fixed path, and to a part of it that is not the rest."""
    for artifact in files.objects("Ingress"):
        if _is_exact(artifact.data):
            continue
        for key, value in metadata(artifact).annotations.items():
            is_fixed = str(key).endswith("/rewrite-target") and "$" not in str(value)
            if is_fixed and not _is_same(artifact.data, str(value)):
                yield Finding(
                    artifact.at("metadata", "annotations", key),
                    f"{title(artifact)} sends every path to {value} (rewrite-target): what "
                    "is below, /api/orders or an asset, is unreachable; remove it, or keep the "
                    "rest: path /api(/|$)(.*) and rewrite-target /$2",
                    # Another page than the first may be the one that is meant.
                    warning=str(value) != "/",
                )
            elif key == _NGINX:
                yield from _groups(artifact, str(value))


def _groups(artifact: Artifact, target: str) -> Iterator[Finding]:
    """Yield paths whose expression has other groups than the target takes."""
    asked = {int(one) for one in _GROUP.findall(target)}
    every = [string(entry, "path") for _, entry in at_each(artifact.data, PATHS)]
    for at, entry in at_each(artifact.data, PATHS):
        path = string(entry, "path")
        groups = [found.start() for found in _OPENS.finditer(path) if found[0] == "("]
        if string(entry, "pathType").lower() == "exact" or not asked:
            continue
        what = f"{title(artifact)} rewrites {path} to {target}, and"
        # What is below may have a path of its own.
        if not groups and any(o.startswith(f"{path.rstrip('/')}/") and o != path for o in every):
            continue
        if lacking := sorted(one for one in asked if one > len(groups)):
            advice = f"the path has {len(groups) or 'no'} group{'' if len(groups) == 1 else 's'}"
            said = f"{what} {advice}: ${lacking[0]} is empty, so what is below is unreachable"
            # The root alone may be what is meant.
            warning = path in ("", "/") and not groups
            fix = "write the number of the group with the rest, or add (.*) to the path"
            yield Finding(artifact.at(*at, "path"), f"{said}; {fix}", warning=warning)
        elif len(groups) > max(asked) and all(
            _takes_slash(path, groups[n - 1]) for n in asked if n
        ):
            said = f"{what} ${max(asked)} is only the slash: what is below is unreachable; write"
            fixed = target.replace(f"${max(asked)}", f"${len(groups)}")
            yield Finding(artifact.at("metadata", "annotations", _NGINX), f"{said} {fixed}")


def _takes_slash(path: str, begin: int) -> bool:
    return _SLASH.match(path, begin) is not None


def _is_same(data: Fields, target: str) -> bool:
    """Tell whether every path is the target itself: ingress-nginx changes nothing then."""
    paths = [string(entry, "path") for _, entry in at_each(data, PATHS)]
    return bool(paths) and all(path == target for path in paths)


def _is_exact(data: Fields) -> bool:
    """Tell whether there is nothing below the paths of an Ingress."""
    types = [string(entry, "pathType") for _, entry in at_each(data, PATHS)]
    return bool(types) and all(kind.lower() == "exact" for kind in types)


GATE = Gate(
    id="NET050",
    title="An Ingress rewrite keeps the rest of the path",
    phase="kubernetes",
    source=(
        "https://kubernetes.github.io/ingress-nginx/examples/rewrite: "
        "a path segment that no group captures is lost"
    ),
    check=check,
    scope=kinds("Ingress objects", "Ingress"),
    of_files=check,
    alone=True,
    #: NET003 asks what is planned whether paths are changed at all.
    targets=(),
    reads="the annotation rewrite-target of Ingress objects, beside the groups of their paths. "
    "Judges files without a plan only: NET003 holds "
    "a plan to more.",
)
