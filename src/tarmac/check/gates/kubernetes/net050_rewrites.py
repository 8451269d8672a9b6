"""An Ingress that rewrites paths keeps the rest of them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, at_each
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.scope import kinds

PATHS = ("spec", "rules", "-", "http", "paths", "-", "path")
PATH_TYPES = ("spec", "rules", "-", "http", "paths", "-", "pathType")


def check(files: Files) -> Iterator[Finding]:
    """Yield rewrites to a fixed path."""
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


def _is_same(data: Fields, target: str) -> bool:
    """Tell whether every path is the target itself: ingress-nginx changes nothing then."""
    paths = [path for _, path in at_each(data, PATHS)]
    return bool(paths) and all(str(path) == target for path in paths)


def _is_exact(data: Fields) -> bool:
    """Tell whether there is nothing below the paths of an Ingress."""
    types = [kind for _, kind in at_each(data, PATH_TYPES)]
    return bool(types) and all(str(kind).lower() == "exact" for kind in types)


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
    #: NET003 asks what is planned whether paths are changed at all.
    targets=(),
    reads="the annotation rewrite-target of Ingress objects. "
    "Judges files without a plan only: NET003 holds "
    "a plan to more.",
)
