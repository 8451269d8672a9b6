"""What is given to Kubernetes is an object of Kubernetes: a file of Prometheus' rules is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tarmac.artifact import Artifact
from tarmac.gates._argo_files import applications, below
from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import dig, title
from tarmac.gates._scripts import commands
from tarmac.report import Finding

_APPLY = re.compile(r"\bkubectl\b.*?\b(?:apply|create|replace)\b.*")
_FILE = re.compile(r"(?:-f|--filename)[= ]\"?([^\s\"]+)")


def check(files: Files) -> Iterator[Finding]:
    """Yield files of rules that somebody applies as they are."""
    for each in files.artifacts:
        groups = each.data.get("groups")
        if "apiVersion" in each.data or not isinstance(groups, list):
            continue
        ruled = any(isinstance(dig(group, "rules"), list) for group in groups)
        if ruled and (who := next(_appliers(files, each), "")):
            yield Finding(
                each.at("groups"),
                f"these rules are no Kubernetes object, and {who} gives them to a cluster, which "
                "refuses them (no apiVersion, no kind); put them below `spec:` of a "
                "PrometheusRule of monitoring.coreos.com/v1",
            )


def _appliers(files: Files, rules: Artifact) -> Iterator[str]:
    """Yield who hands a file to the API server."""
    path = f"/{rules.path}"
    for command in commands(files):
        for found in _FILE.findall(command.text) if _APPLY.search(command.text) else ():
            named = "/" + str(PurePosixPath(found.removeprefix("./")))
            if path.endswith(named) or f"{named}/" in path:
                yield f"`kubectl` ({command.where})"
    for each in files.objects("Kustomization"):
        folder = PurePosixPath(each.path).parent
        for number, name in enumerate(dig(each.data, "resources") or ()):
            if str(folder / str(name)) == rules.path:
                yield f"the Kustomization ({each.at('resources', number)})"
    for each in applications(files):
        if any(one.path == rules.path for one in below(files, each)):
            yield f"{title(each)} ({each.path})"


GATE = Gate(
    id="OBS050",
    title="Rules that are given to a cluster stand in a PrometheusRule",
    phase="observability",
    source="https://prometheus-operator.dev/docs/developer/alerting: rules are read from objects",
    check=check,
    of_files=check,
    targets=(),
    looks_at="files with `groups` of `rules`, beside who applies them: kubectl in scripts and "
    "pages, Kustomizations, Applications. A file that Prometheus itself reads is right as it is. "
    "Asked of files alone.",
)
