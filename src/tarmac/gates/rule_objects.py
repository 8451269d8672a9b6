"""Rules that are given to a cluster are objects: a bare file of groups is refused there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tarmac.artifact import Artifact
from tarmac.gates import _argo
from tarmac.gates._gate import Files, Gate, Subject
from tarmac.gates._objects import dig
from tarmac.gates._queries import groups
from tarmac.gates._scripts import Command, commands
from tarmac.report import Finding

#: Where plain files of a rendered tree are, for promtool and servers that read files.
PLAIN = "observability/rules/"
_APPLY = re.compile(r"\bkubectl\b.*?\b(?:apply|create|replace)\b.*")
_FILE = re.compile(r"(?:-f|--filename)[= ]\"?([^\s\"]+)")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield files of rules that are no object, but where plain files belong."""
    for each in _bare(subject):
        if not each.path.startswith(PLAIN):
            yield _refused(each, "whoever applies the tree")
    yield from of_files(subject)


def of_files(files: Files) -> Iterator[Finding]:
    """Yield files of rules that somebody applies as they are, and objects that hold none."""
    applying = [each for each in commands(files) if _APPLY.search(each.text)]
    for each in _bare(files):
        ruled = any(isinstance(dig(group, "rules"), list) for group in each.data["groups"])
        if ruled and (who := next(_appliers(files, applying, each), "")):
            yield _refused(each, who)
    for each in files.objects("PrometheusRule"):
        if not groups(each):
            yield Finding(
                each.at("spec"),
                "is a PrometheusRule without `spec.groups`, so nothing is loaded of it; move its "
                "groups there",
            )


def _bare(files: Files) -> Iterator[Artifact]:
    for each in files.artifacts:
        if isinstance(each.data.get("groups"), list) and not {"apiVersion", "kind"} <= {*each.data}:
            yield each


def _refused(rules: Artifact, who: str) -> Finding:
    return Finding(
        rules.at("groups"),
        f"these rules are no Kubernetes object, and {who} gives them to a cluster, which refuses "
        "them (no apiVersion, no kind); put them below `spec:` of a PrometheusRule of "
        "monitoring.coreos.com/v1",
    )


def _appliers(files: Files, applying: list[Command], rules: Artifact) -> Iterator[str]:
    """Yield who hands a file to the API server."""
    path = f"/{rules.path}"
    for command in applying:
        for found in _FILE.findall(command.text):
            named = "/" + str(PurePosixPath(found.removeprefix("./")))
            if path.endswith(named) or f"{named}/" in path:
                yield f"`kubectl` ({command.where})"
    for each in files.objects("Kustomization"):
        folder = PurePosixPath(each.path).parent
        for number, name in enumerate(dig(each.data, "resources") or ()):
            if str(folder / str(name)) == rules.path:
                yield f"the Kustomization ({each.at('resources', number)})"
    for app in _argo.applications(files):
        if any(one.path == rules.path for one in _argo.below(files, app)):
            yield f"{app.title} ({app.artifact.path})"


GATE = Gate(
    id="OBS004",
    title="Rules that are given to a cluster stand in a PrometheusRule",
    phase="observability",
    source="https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRule",
    check=check,
    of_files=of_files,
    looks_at="every YAML file with `groups`; plain ones of a rendered tree belong to "
    "observability/rules/. Who applies them: kubectl in scripts and pages, Kustomizations, "
    "Applications. Of files without a plan one that nobody applies is right as it is.",
)
