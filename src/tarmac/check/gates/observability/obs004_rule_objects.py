"""Rules that are applied to a cluster are objects: a plain file of groups is rejected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.argo.followed import followed
from tarmac.check.gates.views.monitoring.queries import bare_rules, groups, has_rules
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import Kustomization
from tarmac.check.gates.views.pipelines.shell import Command, commands
from tarmac.check.gates.views.scope import counted_in_files

#: Where plain files of a rendered tree are, for promtool and servers that read files.
PLAIN = "observability/rules/"
_APPLY = re.compile(r"\bkubectl\b.*?\b(?:apply|create|replace)\b.*")
_FILE = re.compile(r"(?:-f|--filename)[= ]\"?([^\s\"]+)")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield files of rules that are not object, except where plain files belong."""
    for rules in bare_rules(subject):
        if not rules.path.startswith(PLAIN):
            yield _refused(rules, "`kubectl apply` of the tree")
    yield from of_files(subject)


def of_files(files: Files) -> Iterator[Finding]:
    """Yield files of rules that are applied as they are, and objects without rules."""
    applying = [command for command in commands(files) if _APPLY.search(command.text)]
    found = [rules for rules in bare_rules(files) if has_rules(rules)]
    senders = {
        rules.path: f"{folder.app.title} ({folder.app.artifact.path})"
        for folder in (followed(files) if found else ())
        for rules in folder.sent
    }
    for rules in found:
        if applier := next(_appliers(files, applying, rules), senders.get(rules.path, "")):
            yield _refused(rules, applier)
    for artifact in files.objects("PrometheusRule"):
        if not groups(artifact):
            what = "is a PrometheusRule without `spec.groups`, so nothing is loaded of it; move its"
            # An empty list may be what is left of a file that is merged with others.
            is_emptied = isinstance(dig(artifact.data, "spec", "groups"), list)
            yield Finding(artifact.at("spec"), f"{what} groups there", warning=is_emptied)


def _refused(rules: Artifact, applier: str) -> Finding:
    return Finding(
        rules.at("groups"),
        f"these rules are not a Kubernetes object, and {applier} sends them to a cluster, which "
        "rejects them (no apiVersion, no kind); put them below `spec:` of a PrometheusRule of "
        "monitoring.coreos.com/v1",
    )


def _appliers(files: Files, applying: list[Command], rules: Artifact) -> Iterator[str]:
    """Yield the commands and Kustomizations that send a file to the API server."""
    path, there = f"/{rules.path}", {*_paths(files)}
    for command in applying:
        for found in _FILE.findall(command.text):
            plain = str(PurePosixPath(found.removeprefix("./")))
            named = f"/{plain}"
            # What is beside a page, or above it, is what the page means.
            if (meant := _beside(command.where, plain, there)) and not _is_in(rules.path, meant):
                continue
            if path.endswith(named) or f"{named}/" in path:
                yield f"`kubectl` ({command.where})"
    for artifact in files.objects("Kustomization"):
        folder = PurePosixPath(artifact.path).parent
        for number, name in enumerate(Kustomization(artifact).resources):
            if str(folder / str(name)) == rules.path:
                yield f"the Kustomization ({artifact.at('resources', number)})"


def _beside(where: str, named: str, there: set[str]) -> str:
    """Find what a command names from the folder that its page is in, or from one above it."""
    for folder in PurePosixPath(where.partition(":")[0]).parents:
        path = str(folder / named)
        if path in there:
            return path
    return ""


@once
def _paths(files: Files) -> Iterator[str]:
    """Yield the paths of files, and of the folders that they are in."""
    for artifact in files.artifacts:
        yield artifact.path
        yield from map(str, PurePosixPath(artifact.path).parents[:-1])


def _is_in(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _judged(files: Files) -> Iterator[Artifact]:
    yield from bare_rules(files)
    yield from files.objects("PrometheusRule")


GATE = Gate(
    id="OBS004",
    title="Rules applied to a cluster are PrometheusRule objects",
    phase="observability",
    source="https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRule",
    check=check,
    scope=counted_in_files("files of rules", _judged),
    of_files=of_files,
    reads="every YAML file with `groups`; plain ones of a rendered tree belong to "
    "observability/rules/. Appliers are kubectl in scripts and pages, Kustomizations and "
    "Applications. Of files without a plan, those that are not applied are not judged.",
)
