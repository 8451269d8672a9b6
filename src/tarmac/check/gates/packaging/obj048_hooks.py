"""Hooks of a chart run when they are meant to: with what they read, and again after a failure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, numbered, places, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.places import chart_places
from tarmac.check.gates.views.charts.template_objects import TemplateObject, template_objects
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, name_of, title
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.scope import counted_in_files

_HOOK = "helm.sh/hook"
_POLICY = "helm.sh/hook-delete-policy"
_RUNNING = ("Job", "Pod")
#: What makes another name at each release.
_VARYING = re.compile(r"\{\{[^}]*(Revision|rand|now|date|uuid|sha|Chart\.(App)?Version)")
_KEPT = ("Deployment", "StatefulSet", "DaemonSet")
#: What a hook does to a database, and what asks whether that is done.
_MIGRATES = re.compile(r"(?i)migrat|schema|alembic|flyway|liquibase|db[-_:]?(prepare|upgrade|init)")
_WAITS = re.compile(r"(?i)\b(wait|until|while|check|ready)|[-_](wait|check)|status\b")
_HELM = re.compile(r"\bhelm\b[^|;&]*[ \t](?:install|upgrade)[ \t]")
_WAITING = re.compile(r"[ \t]--(wait|atomic|rollback-on-failure)(?:=true)?(?![\w=-])")
_POD: Path = ("spec", "template", "spec")
#: Where a pod names what has to be there first.
_SOURCES = (("configMapRef", "ConfigMap"), ("secretRef", "Secret"))
_KEYS = (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret"))


def check(files: Files) -> Iterator[Finding]:
    """Yield hooks that Helm does not see, that wait for what comes later, and that stay."""
    made: dict[tuple[str, str, str], TemplateObject] = {}
    for one in template_objects(files):
        own = (one.chart.folder, kind_of(one.artifact), name_of(one.artifact))
        if _hooks(one.artifact) or own not in made:
            made[own] = one
    for one in template_objects(files):
        artifact = one.artifact
        path = ("spec", "template", "metadata", "annotations")
        if _HOOK in fields(artifact.data, *path) and not _hooks(artifact):
            what = f"{kind_of(artifact)} has {_HOOK} in its pod template, and Helm reads it of the"
            advice = f"{kind_of(artifact)}: it is an ordinary object; write it to `metadata`"
            yield Finding(artifact.at(*path, _HOOK), f"{what} {advice}")
        if kind_of(artifact) in _RUNNING and _hooks(artifact):
            yield from _left(one)
            if "pre-install" in _hooks(artifact):
                yield from _early(one, made)
            if {"post-install", "post-upgrade"} & {*_hooks(artifact)}:
                yield from _late(files, one)


def _late(files: Files, one: TemplateObject) -> Iterator[Finding]:
    """Yield hooks after the installation that pods of it wait for, where Helm waits for these."""
    does = _MIGRATES.search(" ".join(text for _, text in places(one.artifact.data)))
    hooks = [hook for hook in _hooks(one.artifact) if hook.startswith("post-")]
    if not does or any(hook.startswith("pre-") for hook in _hooks(one.artifact)):
        return
    how = next(_waiting(files, one.chart.folder), "")
    for other in template_objects(files) if how else ():
        if other.chart.folder != one.chart.folder or kind_of(other.artifact) not in _KEPT:
            continue
        for _, container in numbered(other.artifact.data, *_POD, "initContainers"):
            said = [str(container.get("name")), *texts(container.get("command"))]
            words = " ".join((*said, *texts(container.get("args"))))
            if _WAITS.search(words) and _MIGRATES.search(words) and not _hooks(other.artifact):
                what = f"{kind_of(one.artifact)} is a hook {hooks[0]}, which {how} runs once all"
                file = other.artifact.path.rpartition("/")[2]
                why = f"pods are ready, and {container.get('name')} of {file} waits for what it"
                advice = "does: each release ends in a timeout; write pre-install,pre-upgrade"
                where = one.artifact.at("metadata", "annotations", _HOOK)
                yield Finding(where, f"{what} {why} {advice}", warning=True)
                return


def _left(one: TemplateObject) -> Iterator[Finding]:
    """Yield hooks whose object a failed run leaves in the way of the next."""
    artifact = one.artifact
    noted = metadata(artifact).annotations
    policy = {part.strip() for part in str(noted.get(_POLICY, "")).split(",")} - {""}
    is_kept = bool(policy) and "before-hook-creation" not in policy
    again = [hook for hook in _hooks(artifact) if hook in ("pre-upgrade", "post-upgrade")]
    named = _VARYING.search(one.line("metadata", "name"))
    if is_kept and again and not named and policy < {"hook-succeeded", "hook-failed"}:
        lost = "failed" if "hook-succeeded" in policy else "ended"
        what = f"{kind_of(artifact)} of the hook {again[0]} that has {lost} stays: {min(policy)}"
        why = "replaces the usual policy, so the next release fails as it already exists; write"
        where = artifact.at("metadata", "annotations", _POLICY)
        said = f"{what} {why} before-hook-creation, too"
        yield Finding(
            where, said, warning=bool(dig(artifact.data, "spec", "ttlSecondsAfterFinished"))
        )


def _waiting(files: Files, folder: str) -> Iterator[str]:
    """Yield what releases the chart of a folder, and waits for its pods."""
    is_only = len(chart_places(files)) == 1
    name = posixpath.basename(folder)
    for command in commands(files):
        found = _WAITING.search(command.text) if _HELM.search(command.text) else None
        words = [one.rstrip("/") for one in command.text.split()]
        is_it = any(one and posixpath.basename(one) == name for one in words) if name else False
        is_here = is_only and any(one.startswith(".") for one in words)
        if found and (is_it or is_here):
            yield f"helm --{found[1]} ({command.where})"
    for release in files.objects("HelmRelease"):
        named = string(release.data, "spec", "chart", "spec", "chart")
        is_it = "/" in named and posixpath.normpath(named).strip("./") == folder.strip("./")
        if is_it and dig(release.data, "spec", "install", "disableWait") is not True:
            yield title(release)


def _early(
    one: TemplateObject, made: dict[tuple[str, str, str], TemplateObject]
) -> Iterator[Finding]:
    """Yield what a hook before the installation reads, and the installation makes."""
    artifact = one.artifact
    base = _POD if kind_of(artifact) == "Job" else ("spec",)
    for path, kind, name in _read(artifact, base):
        found = made.get((one.chart.folder, kind, name))
        if name and found is not None and not _hooks(found.artifact):
            what = f"{kind_of(artifact)} is a hook before the installation, and reads {kind} of"
            file = found.artifact.path.rpartition("/")[2]
            said = f"{what} {file}, which is made after it: it never starts; make that a hook of a"
            yield Finding(artifact.at(*path), f"{said} lower weight, or write post-install")
            return


def _read(artifact: Artifact, base: Path) -> Iterator[tuple[Path, str, str]]:
    if name := string(artifact.data, *base, "serviceAccountName"):
        yield (*base, "serviceAccountName"), "ServiceAccount", name
    for key in ("initContainers", "containers"):
        for number, container in numbered(artifact.data, *base, key):
            at: Path = (*base, key, number)
            for place, source in numbered(container, "envFrom"):
                for ref, kind in _SOURCES:
                    if dig(source, ref, "optional") is not True:
                        yield (*at, "envFrom", place), kind, string(source, ref, "name")
            for place, variable in numbered(container, "env"):
                for ref, kind in _KEYS:
                    if dig(variable, "valueFrom", ref, "optional") is not True:
                        named = string(variable, "valueFrom", ref, "name")
                        yield (*at, "env", place), kind, named
    for number, volume in numbered(artifact.data, *base, "volumes"):
        at = (*base, "volumes", number)
        if dig(volume, "configMap", "optional") is not True:
            yield at, "ConfigMap", string(volume, "configMap", "name")
        if dig(volume, "secret", "optional") is not True:
            yield at, "Secret", string(volume, "secret", "secretName")


def _hooks(artifact: Artifact) -> list[str]:
    said = str(metadata(artifact).annotations.get(_HOOK, ""))
    return [one.strip() for one in said.split(",") if one.strip()]


def _judged(files: Files) -> Iterator[TemplateObject]:
    for one in template_objects(files):
        noted = fields(one.artifact.data, "spec", "template", "metadata", "annotations")
        if _hooks(one.artifact) or _HOOK in noted:
            yield one


GATE = Gate(
    id="OBJ048",
    title="Hooks of a chart run when they are meant to, with what they read",
    phase="kubernetes",
    source="https://helm.sh/docs/topics/charts_hooks: hooks are annotations of the object itself; "
    "pre-install runs before any object of the chart is made; before-hook-creation is the policy "
    "where none is written",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("hooks of charts", _judged),
    targets=(),
    reads="annotations helm.sh/hook in templates on disk, beside what the pods of a hook name. "
    "Judges files without a plan only.",
)
