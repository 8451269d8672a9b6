"""An Ingress has a snippet only where its controller takes some."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.given_values import GivenValues, given_values
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_CHART = "ingress-nginx"
_SNIPPET = re.compile(r"nginx\.ingress\.kubernetes\.io/[\w-]+-snippet")
_CLASS = "kubernetes.io/ingress.class"
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
#: The release of the chart since which snippets are off by default.
_FIRST = (4, 8)
_SETTING = "allow-snippet-annotations"


def check(files: Files) -> Iterator[Finding]:
    """Yield snippets that the webhook of their controller refuses."""
    snippets = list(_snippets(files))
    told = list(given_values(files, frozenset({_CHART}))) if snippets else []
    # Another copy of the controller may take them.
    if not told or any(map(_takes, told)):
        return
    for artifact, key in snippets:
        what = f"{title(artifact)} has {key.rpartition('/')[2]}, and the controller of"
        why = f"{told[0].artifact.path} takes none: its webhook refuses the Ingress; write"
        where = artifact.at("metadata", "annotations", key)
        advice = "an annotation for it, or controller.allowSnippetAnnotations: true"
        yield Finding(where, f"{what} {why} {advice}")


@once
def _snippets(files: Files) -> Iterator[tuple[Artifact, str]]:
    for artifact in files.objects("Ingress"):
        notes = metadata(artifact).annotations
        named = string(artifact.data, "spec", "ingressClassName") or str(notes.get(_CLASS, ""))
        keys = [str(key) for key in notes if _SNIPPET.fullmatch(str(key))]
        if keys and (not named or "nginx" in named):
            yield artifact, keys[0]


def _takes(given: GivenValues) -> bool:
    """Tell whether a controller takes snippets, or may."""
    controller = fields(given.artifact.data, *given.path, "controller")
    found = _VERSION.match(given.version)
    is_old = found is not None and (int(found[1]), int(found[2])) < _FIRST
    said = str(fields(controller, "config").get(_SETTING, ""))
    is_said = controller.get("allowSnippetAnnotations", said.lower() == "true")
    return is_old or is_said not in (False, "false")


GATE = Gate(
    id="NET065",
    title="An Ingress has a snippet only where its controller takes some",
    phase="kubernetes",
    source="https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/"
    "#allow-snippet-annotations: false by default since 1.9.0, chart 4.8.0",
    check=check,
    of_files=check,
    scope=counted_in_files("Ingresses with a snippet", _snippets),
    targets=("cluster",),
    reads="annotations of Ingresses of nginx that end with -snippet, beside the values of the "
    "chart ingress-nginx in these files.",
)
