"""An Ingress that rewrites paths keeps what is below them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import dig, title
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield rewrites to a fixed path."""
    for artifact in files.objects("Ingress"):
        for key, value in (dig(artifact.data, "metadata", "annotations") or {}).items():
            if str(key).endswith("/rewrite-target") and "$" not in str(value):
                yield Finding(
                    artifact.at("metadata", "annotations", key),
                    f"{title(artifact)} sends every path to {value} (rewrite-target): what is "
                    "below, /api/orders or an asset, is never asked for; remove it, or keep the "
                    "rest: path /api(/|$)(.*) and rewrite-target /$2",
                )


GATE = Gate(
    id="NET050",
    title="An Ingress that rewrites paths keeps what is below them",
    phase="kubernetes",
    source="https://kubernetes.github.io/ingress-nginx/examples/rewrite: what no group captures is "
    "lost",
    check=check,
    of_files=check,
    #: NET003 asks what is planned whether paths are changed at all.
    targets=(),
    looks_at="the annotation rewrite-target of Ingress objects. Asked of files alone: NET003 holds "
    "a plan to more.",
)
